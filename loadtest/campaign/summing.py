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
    """The part of a measurement that counts, unix times. In open loop a request belongs to it by its intended time, in
    closed loop by the time of its answer.
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
        return self.start_s < (sample.intended_s if self.is_open else sample.ended_s) <= self.end_s


@dataclass(frozen=True, slots=True)
class Sums:
    """What came of the requests of a window; fields as in record.Run."""

    answered_per_s: float
    images_per_s: float
    offered_per_s: float  # requests that were to be sent, by intended time
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
    return Latency(len(values), p50, p90, p95, p99, max(values))


def sums_of(samples: Sequence[Sample], window: Window) -> Sums:
    """Sum up a window. Answers per second are of those that came within it, whenever they were asked for."""
    inside = [one for one in samples if window.holds(one)]
    answered = [one for one in inside if one.outcome in ANSWERED]
    kinds = sorted({one.kind for one in answered})
    by_kind = {kind: latency_of(one for one in answered if one.kind == kind) for kind in kinds}
    answered_per_s = _answered_per_s(samples, window)
    images = sum(one.images for one in answered if one.outcome is not Outcome.EXPECTED_ERROR)
    return Sums(
        answered_per_s=answered_per_s,
        images_per_s=answered_per_s * images / len(answered) if answered else 0.0,
        offered_per_s=sum(window.start_s < one.intended_s <= window.end_s for one in samples) / window.seconds,
        latency=latency_of(answered),
        refusal_latency=latency_of(one for one in inside if one.outcome is Outcome.REFUSED),
        outcomes=dict(sorted(Counter(one.outcome.value for one in inside).items())),
        errors=dict(Counter(_error_of(one) for one in inside if not one.outcome.is_success).most_common()),
        by_kind={kind: latency for kind, latency in by_kind.items() if latency},
    )


def _answered_per_s(samples: Sequence[Sample], window: Window) -> float:
    ends = [one.ended_s for one in samples if one.outcome in ANSWERED]
    if not window.is_open and (exact := rate(ends, window.start_s, window.end_s)):
        return exact  # answers come a batch at a time: the window's edges must not cut one
    return sum(window.start_s < end <= window.end_s for end in ends) / window.seconds


def _error_of(sample: Sample) -> str:
    """Return the service's stable code, or else the status, or else what became of the request."""
    if sample.error_code:
        return sample.error_code
    if not sample.code:
        return NO_ANSWER
    return sample.outcome.value if sample.code in SUCCESS_CODES else sample.code
