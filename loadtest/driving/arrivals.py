"""When requests arrive in open loop, whatever becomes of those before: a profile of rates, Poisson or evenly spaced."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

Process = Literal["poisson", "constant"]
PROCESSES: tuple[Process, ...] = ("poisson", "constant")


@dataclass(frozen=True, slots=True)
class Stage:
    """Some seconds of one rate; without an end where they are infinite."""

    rate_per_s: float
    seconds: float = math.inf


def parse_rates(text: str) -> tuple[Stage, ...]:
    """Read "45", or a profile such as "20x10,60x15" in requests per second x seconds; "" is no stage at all.

    Raises ValueError for anything else, for rates below 0, and where nothing would arrive.
    """
    if not text.strip():
        return ()
    parts = text.split(",")
    stages = tuple(_stage(part.strip(), alone=len(parts) == 1) for part in parts)
    if not any(stage.rate_per_s for stage in stages):
        raise ValueError(f"{text!r}: nothing would arrive")
    return stages


def total_seconds(stages: Sequence[Stage]) -> float:
    """Return how long a profile lasts; infinite for a single rate without an end."""
    return sum(stage.seconds for stage in stages)


def arrival_times(
    stages: Sequence[Stage], process: Process, random: Random, share: float = 1.0, phase: float = 0.0
) -> Iterator[float]:
    """Yield seconds since the profile's start, ascending; it ends with the profile.

    `share` is this user's part of every rate: independent Poisson arrivals add up to Poisson arrivals. Evenly spaced
    ones add up to evenly spaced ones when the users' phases, parts of one interval from 0 to 1, are evenly spaced too.
    """
    interval = random.expovariate(1.0) if process == "poisson" else phase
    begun, left = 0.0, interval  # `left` counts arrivals that are expected up to the next one
    for stage in stages:
        rate, end = stage.rate_per_s * share, begun + stage.seconds
        now = begun
        while rate and now + left / rate < end:
            now += left / rate
            yield now
            left = random.expovariate(1.0) if process == "poisson" else 1.0
        left -= rate * (end - now) if math.isfinite(end) else 0.0
        begun = end


class Schedule:
    """One user's times to send, on whatever clock they are given in; `due` is the next one, None after the last."""

    def __init__(self, times: Iterator[float]) -> None:
        """Take ascending times."""
        self._times = times
        self.due = next(times, None)

    def take(self) -> float:
        """Return the next one and go on to the one after it. Raises ValueError after the last."""
        if self.due is None:
            raise ValueError("nothing is due any more")
        due, self.due = self.due, next(self._times, None)
        return due

    def taken_until(self, now: float) -> Iterator[float]:
        """Yield what was due by a time, and go on to what was not."""
        while self.due is not None and self.due <= now:
            yield self.take()


def _stage(part: str, *, alone: bool) -> Stage:
    rate, times, seconds = part.partition("x")
    try:
        stage = Stage(float(rate), float(seconds)) if times else Stage(float(rate))
    except ValueError:
        raise ValueError(f"{part!r} is neither a rate nor RATExSECONDS") from None
    if not times and not alone:
        raise ValueError(f"{part!r} of a profile has no seconds; write it as RATExSECONDS")
    if not (0 <= stage.rate_per_s < math.inf and stage.seconds > 0) or (times and math.isinf(stage.seconds)):
        raise ValueError(f"{part!r}: the rate must be 0 or more, the seconds more than 0")
    return stage
