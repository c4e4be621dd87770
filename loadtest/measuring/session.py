"""One session of alternating measurements: A B C D, A B C D, on the same pictures; a wrong answer ends it."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from measuring.contenders import Contender
from measuring.coprocess import Coprocess
from measuring.process_usage import busy_seconds, cpu_seconds
from measuring.servers import mean_batch

SETTLE_SECONDS = 0.5  # threads of the last measurement stop spinning
SMALLEST_WARMUP_SECONDS = 0.5
BATCH = 8  # of the raw engine, whatever the server does
FULL = 0.8  # of the largest batch: the first and the last batches of a run are never full

Say = Callable[[str], None]


class WrongAnswerError(RuntimeError):
    """A server answered something else than it must: every figure of the session is worthless."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: rounds, seconds per measurement, users at once."""

    rounds: int
    seconds: float
    concurrencies: tuple[int, ...]
    concurrency_of_reuploads: int = 16


class Session:
    """Measures contenders in turn, the first being our server; only the measured one is busy."""

    def __init__(self, contenders: Sequence[Contender], plan: Plan, pictures: Path, say: Say) -> None:
        """Take contenders that run already."""
        self._contenders, self._plan, self._say = contenders, plan, say
        self._pictures = pictures
        self._strangers: list[float] = []  # shares of a core, of this round
        self._batches = {contender.name: contender.batch_size for contender in contenders}

    def rounds(self) -> Iterator[dict[str, Any]]:
        """Measure round after round and yield each. Raises WrongAnswerError."""
        with Coprocess("measuring.generator", [str(self._pictures)]) as self._generator, self._peaks() as self._peak:
            self._learn_batches()
            for number in range(1, self._plan.rounds + 1):
                yield self._round(number)

    @contextmanager
    def _peaks(self) -> Iterator[Coprocess]:
        with Coprocess("measuring.peaks", environ=self._contenders[0].server.worker_environment()) as peaks:
            yield peaks

    def _learn_batches(self) -> None:
        """Warm every server up and see what batches ours form at the first concurrency."""
        for contender in self._contenders:
            before = contender.server.counters()
            self._load(contender, self._plan.concurrencies[0], "warm-up")
            mean = mean_batch(before, contender.server.counters()) or contender.batch_size
            if mean < FULL * contender.batch_size:
                self._batches[contender.name] = max(round(mean), 1)

    def _round(self, number: int) -> dict[str, Any]:
        self._say(f"round {number} of {self._plan.rounds}")
        seconds = self._plan.seconds
        self._strangers = []
        found: dict[str, Any] = {"peaks_gflops": self._alone(self._peak, seconds=seconds / 10)}
        self._say("  peaks: " + ", ".join(f"{name} {peak:,.0f}" for name, peak in found["peaks_gflops"].items()))
        for contender in self._contenders:
            found[contender.name] = self._in_process(contender) if contender.kind == "ours" else {}
        for concurrency in self._plan.concurrencies:
            for contender in self._contenders:
                loads = found[contender.name].setdefault("load", {})
                loads[str(concurrency)] = self._load(contender, concurrency, "")
        for contender in self._contenders:
            if contender.kind == "ours":
                lone = self._alone(contender.beside, what="lone", seconds=seconds / 2)
                found[contender.name]["lone"] = lone | {"server": self._load(contender, 1, "")["latencies_ms"]}
                found[contender.name]["reuploads"] = self._reuploads(contender)
        found["strangers_share"] = max(self._strangers)
        return found

    def _in_process(self, contender: Contender) -> dict[str, Any]:
        """Measure bare engine and pipeline, without the server."""
        batch, beside, seconds = self._batches[contender.name], contender.beside, self._plan.seconds
        engine = {
            str(size): self._alone(beside, what="engine", batch=size, seconds=seconds / 2)
            for size in sorted({BATCH, batch})
        }
        pipeline = self._alone(beside, what="pipeline", batch=batch, seconds=seconds)
        self._say(
            f"  {contender.name}: engine {engine[str(BATCH)]:.1f} images/s in batches of {BATCH}, "
            f"pipeline {pipeline:.1f} in batches of {batch}"
        )
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

    def _settled(self, asked: Coprocess, **question: Any) -> Any:
        time.sleep(SETTLE_SECONDS)
        return asked.ask(**question)

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
        return self._apply(contender, load, contender.expected, why or f"{concurrency} at once")

    def _reuploads(self, contender: Contender) -> dict[str, Any]:
        """Send one and the same picture over and over."""
        load = {
            **contender.server.target,
            "concurrency": self._plan.concurrency_of_reuploads,
            "seconds": self._plan.seconds / 2,
            "warmup_seconds": SMALLEST_WARMUP_SECONDS,
            "distinct": False,
        }
        return self._apply(contender, load, contender.expected[:1], "one picture again and again")

    def _apply(
        self, contender: Contender, load: dict[str, Any], expected: Sequence[dict[str, float]], what: str
    ) -> dict[str, Any]:
        result: dict[str, Any] = self._settled(self._generator, load=load, expected=list(expected))
        if result["problems"]:
            raise WrongAnswerError(f"{contender.name}, {what}: " + "; ".join(result["problems"]))
        self._say(f"  {contender.name}, {what}: {result['images_per_s']:.1f} images/s")
        return result


def memory_of(contender: Contender) -> dict[str, dict[str, float]]:
    """Return MiB of a contender's workers before the first request and now."""
    return {"idle": asdict(contender.idle_memory), "served": asdict(contender.server.worker_memory())}
