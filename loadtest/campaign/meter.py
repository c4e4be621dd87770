"""Takes one measurement: a load, what the server did meanwhile, the samples summed, and whether they may be trusted."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from campaign.load import Load, Loaded, apply
from campaign.place import Place
from campaign.progress import CampaignProgress
from campaign.record import Run
from campaign.sample_store import SampleStore
from campaign.summing import Window, sums_of
from campaign.watch import Watch
from measuring.answers import WrongAnswerError
from traffic.call import Outcome

OVERHEAD_SECONDS = 2.0  # of a Locust beside its load: it starts, reads the pictures, and waits for the last answers
KEPT_PROBLEMS = 5


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured: a stage's name for it, and the load: `users` in closed loop, or `rates` (per second, seconds)
    in open loop.
    """

    stage: str
    setting: str
    round: int
    traffic: str
    seconds: float
    users: int | None = None
    rates: tuple[tuple[float, float], ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """A name for people."""
        return f"{self.stage}, {self.setting}"


class Meter:
    """Measures one server through one transport. `options` go to every Locust; warnings are kept in `notes`."""

    def __init__(
        self,
        target: str,
        place: Place,
        *,
        references: Path,
        warmup_seconds: float,
        options: Mapping[str, str],
        progress: CampaignProgress,
        note: Callable[[str], None],
        store: SampleStore,
    ) -> None:
        """Prepare."""
        self.target = target
        self.place = place
        self.warmup_seconds = warmup_seconds
        self._references = references
        self._options = options
        self._progress = progress
        self._note = note
        self._store = store
        self._seed = 0

    def measure(self, what: Measured) -> Run:
        """Apply a load and sum up what came after its warm-up. Raises WrongAnswerError, CampaignError."""
        with self.applied(what) as (loaded, watch):
            first = loaded.samples[0].intended_s
            start = first + self.warmup_seconds
            run = self.summed(what, loaded, watch, Window(start, start + what.seconds, bool(what.rates)))
        self.say(what, run)
        return run

    @contextmanager
    def applied(self, what: Measured) -> Iterator[tuple[Loaded, Watch]]:
        """Apply a load; gives its samples, all of them right, and what was watched meanwhile."""
        load = self._load(what)
        title = f"{self.target}: {what.title}, round {what.round}"
        with self._progress.step(title, seconds_of(what, self.warmup_seconds)):
            with Watch(self.place) as watch:
                loaded = apply(load, self._references, self._progress.tick)
            if wrong := [one for one in loaded.samples if one.outcome is Outcome.WRONG]:
                shown = "; ".join(f"{one.kind}: {one.message}" for one in wrong[:KEPT_PROBLEMS])
                raise WrongAnswerError(f"{title}: {len(wrong)} of {len(loaded.samples)} answers are wrong: {shown}")
            if loaded.generator.starved:
                self._note(f"{title}: the generator was starved, its figures are doubtful ({loaded.reason})")
            self._store.add((self.target, what.stage, what.setting, what.round), loaded.samples)
            yield loaded, watch

    def summed(self, what: Measured, loaded: Loaded, watch: Watch, window: Window, offered: float | None = None) -> Run:
        """Sum up a part of a load; `offered` is the rate of that part where the load had several."""
        sums = sums_of(loaded.samples, window)
        rate = offered if offered is not None else (what.rates[0][0] if what.rates else None)
        return Run(
            stage=what.stage,
            setting=what.setting,
            round=what.round,
            traffic=what.traffic,
            users=what.users,
            offered_per_s=rate,
            seconds=window.seconds,
            answered_per_s=sums.answered_per_s,
            images_per_s=sums.images_per_s,
            latency=sums.latency,
            refusal_latency=sums.refusal_latency,
            outcomes=sums.outcomes,
            errors=sums.errors,
            by_kind=sums.by_kind,
            server=watch.use(window.start_s, window.end_s),
            generator=loaded.generator,
        )

    def say(self, what: Measured, run: Run) -> None:
        """Show a run's figures."""
        latency = f"p50 {run.latency.p50:.0f} ms, p99 {run.latency.p99:.0f} ms" if run.latency else "no answer"
        failures = f", {run.failures} failed" if run.failures else ""
        offered = f" of {run.offered_per_s:.1f}" if run.offered_per_s is not None else ""
        answered = f"{run.answered_per_s:.1f}{offered} requests/s"
        self._progress.say(f"{self.target} {what.title} (round {what.round}): {answered}, {latency}{failures}")

    def _load(self, what: Measured) -> Load:
        self._seed += 1
        options = {**self._options, "traffic": what.traffic, "seed": str(self._seed)}
        if what.rates:
            options |= {"rates": ",".join(f"{rate:g}x{seconds:g}" for rate, seconds in what.rates)}
        host = self.place.rest if self.target == "rest" else self.place.grpc
        return Load(
            target=self.target,
            host=host,
            users=what.users or 1,
            seconds=math.ceil(sum(seconds for _, seconds in what.rates) or self.warmup_seconds + what.seconds),
            options=options,
            flags=what.flags,
        )


def seconds_of(what: Measured, warmup_seconds: float) -> float:
    """Return how long a measurement should take."""
    return (sum(seconds for _, seconds in what.rates) or warmup_seconds + what.seconds) + OVERHEAD_SECONDS
