"""How long scoring took: a scorer that keeps the time of every call, and the figures of those times."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from evaluation.scorers import Scorer
from trust_nsfw.schema import Failure, Scores


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a scorer."""

    images: int
    seconds: float


@dataclass
class TimedScorer:
    """A scorer that notes how long each call took; reading the files is not part of it."""

    scorer: Scorer
    calls: list[Call] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        """Return what the scorer says of itself."""
        return self.scorer.describe()

    def score(self, payloads: Sequence[bytes]) -> list[Scores | Failure]:
        """Score and note the time."""
        started = time.perf_counter()
        results = self.scorer.score(payloads)
        self.calls.append(Call(len(payloads), time.perf_counter() - started))
        return results


@dataclass(frozen=True, slots=True)
class Latency:
    """Calls of `images` images each, in ms; NaN where there was none."""

    calls: int
    images: int
    p50_ms: float
    p95_ms: float

    @classmethod
    def of(cls, calls: Sequence[Call]) -> Self:
        """Take calls of one size."""
        if not calls:
            return cls(0, 0, np.nan, np.nan)
        p50, p95 = np.percentile([1000 * call.seconds for call in calls], [50, 95])
        return cls(len(calls), calls[0].images, float(p50), float(p95))


@dataclass(frozen=True, slots=True)
class Speed:
    """Of images sent one at a time, and in batches; images per second are those of the batches."""

    lone: Latency
    batch: Latency
    images_per_second: float

    @classmethod
    def of(cls, calls: Sequence[Call]) -> Self:
        """Take an evaluation's calls in order. The first of each size is a warm-up, left out unless alone.

        Batches are the calls of the most images; a remainder that came last is not among them.
        """
        largest = max((call.images for call in calls), default=0)
        lone, batches = ([call for call in calls if call.images == size] for size in (1, largest))
        lone, batches = (found[1:] if len(found) > 1 else found for found in (lone, batches))
        seconds = sum(call.seconds for call in batches)
        rate = sum(call.images for call in batches) / seconds if seconds else np.nan
        return cls(Latency.of(lone), Latency.of(batches if largest > 1 else []), float(rate))
