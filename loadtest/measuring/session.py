"""One session of alternating measurements: A B C, C B A, on the same pictures; a wrong answer ends it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from measuring.contenders import Contender
from measuring.coprocess import Coprocess
from measuring.generator import apply
from measuring.process_usage import busy_seconds, cpu_seconds
from measuring.servers import mean_batch

SETTLE_SECONDS = 0.5  # threads of the last measurement stop spinning
SMALLEST_WARMUP_SECONDS = 0.5
REUPLOADERS = 16  # users who send one picture again and again

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: rounds, seconds per measurement, users at once."""

    rounds: int
    seconds: float
    concurrencies: tuple[int, ...]


class Session:
    """Measures contenders in turn, the first being our server; only the measured one is busy."""

    def __init__(self, contenders: Sequence[Contender], plan: Plan, pictures: Path, say: Say) -> None:
        """Take contenders that run already."""
        self._contenders, self._plan, self._say = contenders, plan, say
        self._pictures = pictures
        self._strangers: list[float] = []  # shares of a core, of this round

    def rounds(self) -> Iterator[dict[str, Any]]:
        """Measure round after round and yield each. Raises WrongAnswerError and NoRateError."""
        peaks = Coprocess("measuring.peaks", environ=self._contenders[0].server.worker_environment())
        with peaks as self._peak, Coprocess("measuring.generator", [str(self._pictures)]) as self._generator:
            for contender in self._contenders:
                self._load(contender, self._plan.concurrencies[0], "warm-up")
            for number in range(1, self._plan.rounds + 1):
                yield self._round(number)

    def _round(self, number: int) -> dict[str, Any]:
        """Measure everything once; every second round backwards, so that a drift of the machine favours nobody."""
        self._say(f"round {number} of {self._plan.rounds}")
        self._strangers = []
        found: dict[str, Any] = {"peaks_gflops": self._alone(self._peak, seconds=self._plan.seconds / 10)}
        self._say("  peaks: " + ", ".join(f"{name} {peak:,.0f}" for name, peak in found["peaks_gflops"].items()))
        for contender in self._contenders if number % 2 else reversed(self._contenders):
            found[contender.name] = self._measured(contender)
        found["strangers_share"] = max(self._strangers)
        return found

    def _measured(self, contender: Contender) -> dict[str, Any]:
        """Measure one contender's parts right after each other: their ratios are of neighbours in time."""
        ours = contender.kind == "ours"
        found = self._in_process(contender) if ours else {}
        found["load"] = {str(users): self._load(contender, users, "") for users in self._plan.concurrencies}
        if ours:
            lone = self._alone(contender.beside, what="lone", seconds=self._plan.seconds / 2)
            served = self._load(contender, 1, "")
            found["lone"] = lone | {"server": served["latencies_ms"], "answered": served["answered"]}
            found["reuploads"] = self._reuploads(contender)
        return found

    def _in_process(self, contender: Contender) -> dict[str, Any]:
        """Measure bare engine and pipeline without the server, in batches as large as it forms at most."""
        batch, beside, seconds = contender.batch_size, contender.beside, self._plan.seconds
        engine = self._alone(beside, what="engine", batch=batch, seconds=seconds / 2)
        pipeline = self._alone(beside, what="pipeline", batch=batch, seconds=seconds)
        self._say(f"  {contender.name}, batches of {batch}: engine {engine:.1f}, pipeline {pipeline:.1f} images/s")
        return {"batch": batch, "engine": engine, "pipeline": pipeline}

    def _alone(self, asked: Coprocess, **question: Any) -> Any:
        """Ask, and note what share of a core everybody else used meanwhile."""
        time.sleep(SETTLE_SECONDS)
        group = {"asked": [asked.pid]}
        begun, own, busy = time.perf_counter(), cpu_seconds(group)["asked"], busy_seconds()
        answer = asked.ask(**question)
        others = busy_seconds() - busy - (cpu_seconds(group)["asked"] - own)
        self._strangers.append(max(others, 0) / (time.perf_counter() - begun))
        return answer

    def _load(self, contender: Contender, concurrency: int, why: str) -> dict[str, Any]:
        others = [pid for other in self._contenders if other is not contender for pid in other.pids]
        target = contender.server.target
        load = {
            **target,
            "groups": target["groups"] | {"others": others},
            "concurrency": concurrency,
            "seconds": self._plan.seconds / 2 if concurrency == 1 else self._plan.seconds,
            "warmup_seconds": max(self._plan.seconds / 8, SMALLEST_WARMUP_SECONDS),
        }
        before = contender.server.counters()
        result = self._apply(contender, load, contender.expected, why or f"{concurrency} at once")
        return result | {"mean_batch": mean_batch(before, contender.server.counters())}

    def _reuploads(self, contender: Contender) -> dict[str, Any]:
        """Send one and the same picture over and over."""
        load = {
            **contender.server.target,
            "concurrency": REUPLOADERS,
            "seconds": self._plan.seconds / 2,
            "warmup_seconds": SMALLEST_WARMUP_SECONDS,
            "distinct": False,
        }
        return self._apply(contender, load, contender.expected[:1], "one picture again and again")

    def _apply(
        self, contender: Contender, load: dict[str, Any], expected: Sequence[dict[str, float]], what: str
    ) -> dict[str, Any]:
        time.sleep(SETTLE_SECONDS)
        result = apply(self._generator, load, expected, f"{contender.name}, {what}")
        self._say(f"  {contender.name}, {what}: {result['images_per_s']:.1f} images/s")
        return result


def memory_of(contender: Contender) -> dict[str, dict[str, float]]:
    """Return MiB of a contender's workers before the first request and now."""
    return {"idle": asdict(contender.idle_memory), "served": asdict(contender.server.worker_memory())}
