"""Samples of a window summed up exactly: no buckets, every percentile a value that was measured."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from campaign.record import Latency
from campaign.samples import Sample
from measuring.load import rate
from measuring.spread import percentile
from traffic.call import Outcome

ANSWERED = frozenset({Outcome.RIGHT, Outcome.EXPECTED_ERROR, Outcome.LATE})
"""Late ones too: leaving out what took longest would flatter every percentile."""
SUCCESS_CODES = frozenset({"200", "OK"})
NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a measurement that counts, unix times. A request belongs to it by the time at which it was to begin,
    and counts with all its latency, however long after the window its answer came.
    """

    start_s: float
    end_s: float
    is_open: bool

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s

    def holds(self, sample: Sample) -> bool:
        """Whether a sample belongs to it."""
        return self.start_s < sample.intended_s <= self.end_s

    def sees_end_of(self, sample: Sample) -> bool:
        """Whether it was answered within it."""
        return self.start_s < sample.ended_s <= self.end_s


@dataclass(frozen=True, slots=True)
class Sums:
    """What came of the requests of a window; fields as in record.Run."""

    answered_per_s: float
    images_per_s: float
    arrived_per_s: float  # requests that were to be sent, the never sent ones too
    latency: Latency | None
    refusal_latency: Latency | None
    outcomes: dict[str, int]
    errors: dict[str, int]
    by_kind: dict[str, Latency]


def latency_of(samples: Iterable[Sample]) -> Latency | None:
    """Return the percentiles of some samples, None of none."""
    values = [one.latency_ms for one in samples]
    if not values:
        return None
    p50, p90, p95, p99 = (percentile(values, percent) for percent in (50, 90, 95, 99))
    return Latency(len(values), p50, p90, p95, p99, max(values), sum(values) / len(values))


def closed_window(samples: Sequence[Sample], users: int, warmup_seconds: float, seconds: float) -> Window | None:
    """Return the part of a closed-loop load that counts: `seconds`, or what is left of the load, once `users` answers
    have come and the warm-up is over. None where nothing is left.

    Before every user was answered once they all wait for the first batches; after the last request was sent the server
    runs empty. Neither is what so many users get.
    """
    ends = sorted(one.ended_s for one in samples if one.outcome is not Outcome.UNSENT)
    if len(ends) < users:
        return None
    start = max(min(one.started_s for one in samples) + warmup_seconds, ends[users - 1])
    end = min(start + seconds, max(one.started_s for one in samples))
    return Window(start, end, is_open=False) if end > start else None


def sums_of(samples: Sequence[Sample], window: Window) -> Sums:
    """Sum up a window. Answers per second are of those that came within it, whenever they were asked for; in closed
    loop failures are those of the whole load, since one that takes longer than the window would never be in it.
    """
    inside = [one for one in samples if window.holds(one)]
    counted = inside if window.is_open else [one for one in samples if window.holds(one) or _is_failure(one)]
    answered = [one for one in inside if one.outcome in ANSWERED]
    ended = [one for one in samples if window.sees_end_of(one) and one.outcome in ANSWERED]
    kinds = sorted({one.kind for one in answered})
    by_kind = {kind: latency_of(one for one in answered if one.kind == kind) for kind in kinds}
    answered_per_s = _answered_per_s(samples, window)
    images = sum(one.images for one in ended if one.outcome is not Outcome.EXPECTED_ERROR)
    return Sums(
        answered_per_s=answered_per_s,
        images_per_s=answered_per_s * images / len(ended) if ended else 0.0,
        arrived_per_s=len(inside) / window.seconds,
        latency=latency_of(answered),
        refusal_latency=latency_of(one for one in inside if one.outcome is Outcome.REFUSED),
        outcomes=dict(sorted(Counter(one.outcome.value for one in counted).items())),
        errors=dict(Counter(_error_of(one) for one in counted if _is_failure(one)).most_common()),
        by_kind={kind: latency for kind, latency in by_kind.items() if latency},
    )


def _answered_per_s(samples: Sequence[Sample], window: Window) -> float:
    ends = [one.ended_s for one in samples if one.outcome in ANSWERED]
    if not window.is_open and (exact := rate(ends, window.start_s, window.end_s)):
        return exact  # answers come a batch at a time: the window's edges must not cut one
    return sum(window.start_s < end <= window.end_s for end in ends) / window.seconds


def _is_failure(sample: Sample) -> bool:
    return not sample.outcome.is_success and sample.outcome is not Outcome.UNSENT


def _error_of(sample: Sample) -> str:
    """Return the service's stable code, or else the status, or else what became of the request."""
    if sample.error_code:
        return sample.error_code
    if not sample.code:
        return NO_ANSWER
    return sample.outcome.value if sample.code in SUCCESS_CODES else sample.code
