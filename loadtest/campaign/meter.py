"""Takes one measurement: a load, what the server did meanwhile, the samples summed, and whether they may be trusted."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from campaign.errors import CampaignError
from campaign.load import Load, Loaded, apply
from campaign.place import Place
from campaign.progress import CampaignProgress
from campaign.record import Run
from campaign.sample_store import SampleStore
from campaign.summing import Window, closed_window, sums_of
from campaign.watch import Watch
from measuring.answers import WrongAnswerError
from traffic.call import Outcome

OVERHEAD_SECONDS = 2.0  # of a Locust beside its load: it starts, reads the pictures, and waits for the last answers
PLANNED_PER_SECOND = 30.0  # what a server is taken to answer before anything is known of it
FIRST_ANSWERS = 1.5  # times as long as users / rate: until every user was answered once
MOST_FIRST_SECONDS = 60.0  # for that
MOST_LAST_SECONDS = 2.0  # between the last request sent and the end: no more than a batch takes
SHORT = 0.9  # of the time that was to be measured; less is measured again, now that the rate is known
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
    """Measures one server through one transport. `options` go to every Locust. `per_s` is what the server answered
    last: from it follows how long many users take to be answered once.
    """

    def __init__(
        self,
        target: str,
        place: Place,
        *,
        references: Path,
        warmup_seconds: float,
        options: Mapping[str, str],
        progress: CampaignProgress,
        store: SampleStore,
        per_s: float = PLANNED_PER_SECOND,
        processes: int = 1,
    ) -> None:
        """Prepare."""
        self.target = target
        self.place = place
        self.warmup_seconds = warmup_seconds
        self.per_s = per_s
        self._references = references
        self._options = options
        self._progress = progress
        self._store = store
        self._processes = processes
        self._seed = 0

    def measure(self, what: Measured) -> Run:
        """Apply a load and sum up what came after its warm-up; once more where it was too short for its users, or where
        in open loop the generator, not the server, was at fault. Raises WrongAnswerError, CampaignError.
        """
        loaded, watch = self.applied(what)
        window, run = self._window(what, loaded), None
        if window is not None:
            run = self.summed(what, loaded, watch, window)
            if what.users:
                self.per_s = run.answered_per_s or self.per_s
        if run is None or self._is_worth_another(what, run):
            self._progress.say(f"{self.target} {what.title} (round {what.round}): once more")
            if run is None:
                self.per_s = len(loaded.samples) / _seconds_under_load(loaded) / 2
            self.keep(replace(what, setting=f"{what.setting}, repeated"), loaded)
            loaded, watch = self.applied(what)
            if (window := self._window(what, loaded)) is None:
                raise CampaignError(f"{what.title}: not all users had an answer in time: measure longer, or with fewer")
            run = self.summed(what, loaded, watch, window)
        self.keep(what, loaded)
        self.say(what, run)
        return run

    def applied(self, what: Measured) -> tuple[Loaded, Watch]:
        """Apply a load; returns its samples, none of them wrong, and what was watched meanwhile."""
        load = self._load(what)
        title = f"{self.target}: {what.title}, round {what.round}"
        with self._progress.step(title, seconds_of(what, self.warmup_seconds)):
            with Watch(self.place) as watch:
                loaded = apply(load, self._references, self._progress.tick)
            if wrong := [one for one in loaded.samples if one.outcome is Outcome.WRONG]:
                shown = "; ".join(f"{one.kind}: {one.message}" for one in wrong[:KEPT_PROBLEMS])
                raise WrongAnswerError(f"{title}: {len(wrong)} of {len(loaded.samples)} answers are wrong: {shown}")
            if loaded.generator.starved:
                self._progress.warn(f"{title}: the generator was starved ({loaded.generator.reason})")
            return loaded, watch

    def keep(self, what: Measured, loaded: Loaded) -> None:
        """Keep a load's raw samples."""
        self._store.add((self.target, what.stage, what.setting, what.round), loaded.samples)

    def _window(self, what: Measured, loaded: Loaded) -> Window | None:
        if not what.rates:
            return closed_window(loaded.samples, what.users or 1, self.warmup_seconds, what.seconds)
        start = loaded.start_s + self.warmup_seconds
        return Window(start, start + what.seconds, is_open=True)

    def _is_worth_another(self, what: Measured, run: Run) -> bool:
        return run.is_generators if what.rates else run.seconds < SHORT * what.seconds

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
            arrived_per_s=None if rate is None else sums.arrived_per_s,
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
        arrived = f" of {run.arrived_per_s:.1f}" if run.arrived_per_s is not None else ""
        answered = f"{run.answered_per_s:.1f}{arrived} requests/s"
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
            users=what.users or self._processes,
            seconds=math.ceil(load_seconds(what, self.warmup_seconds, self.per_s)),
            options=options,
            flags=what.flags,
            processes=min(self._processes, what.users or self._processes),
        )


def load_seconds(what: Measured, warmup_seconds: float, per_s: float) -> float:
    """Return how long a load must last for its window to fit: in closed loop every user is answered once before it."""
    if what.rates:
        return sum(seconds for _, seconds in what.rates)
    cycle = (what.users or 1) / per_s
    first = min(FIRST_ANSWERS * cycle, MOST_FIRST_SECONDS)
    return max(warmup_seconds, first) + what.seconds + min(cycle, MOST_LAST_SECONDS)


def seconds_of(what: Measured, warmup_seconds: float) -> float:
    """Return how long a measurement should take."""
    return load_seconds(what, warmup_seconds, PLANNED_PER_SECOND) + OVERHEAD_SECONDS


def _seconds_under_load(loaded: Loaded) -> float:
    return max(one.ended_s for one in loaded.samples) - loaded.start_s or 1.0
