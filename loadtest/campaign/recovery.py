"""The course of an overload: slices of time, and how soon after it the service is itself again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from campaign.record import Moment
from campaign.samples import Sample
from campaign.summing import ANSWERED, latency_of
from traffic.call import Outcome

SLOWER = 2.0  # times the p99 before: within that, latencies count as back
WHOLE = 1e-6  # of a slice: less than that beyond a whole number is rounding
SLACK_MS = 250.0  # or so much more than it, where it was very short


@dataclass(frozen=True, slots=True)
class Parts:
    """When a profile of three rates went from one to the next, unix times."""

    start_s: float
    over_start_s: float
    over_end_s: float
    end_s: float

    @classmethod
    def of(cls, start_s: float, profile: Sequence[tuple[float, float]]) -> "Parts":
        """Return those of a profile of (rate, seconds), begun at `start_s`."""
        before, over, after = (seconds for _, seconds in profile)
        return cls(start_s, start_s + before, start_s + before + over, start_s + before + over + after)


def timeline(samples: Sequence[Sample], parts: Parts, slice_seconds: float) -> list[Moment]:
    """Return the course in slices; `second` counts from the start. Requests lie in the slice in which they were to be
    sent, right answers count in the one in which they came.
    """
    count = max(math.ceil((parts.end_s - parts.start_s) / slice_seconds - WHOLE), 1)
    sent: list[list[Sample]] = [[] for _ in range(count)]
    rights = [0] * count
    for one in samples:
        if 0 <= (index := math.floor((one.intended_s - parts.start_s) / slice_seconds)) < count:
            sent[index].append(one)
        if one.outcome.is_success and 0 <= (index := math.floor((one.ended_s - parts.start_s) / slice_seconds)) < count:
            rights[index] += 1
    return [_moment(index * slice_seconds, sent[index], rights[index], slice_seconds) for index in range(count)]


def recovered_seconds(samples: Sequence[Sample], parts: Parts, baseline_p99_ms: float) -> float | None:
    """Return how long after the overload's end the first request came from which on, to the end of what was watched,
    every one was answered rightly and about as fast as before; None when there was no such request. What was never
    sent says nothing of the server.
    """
    bound_ms = max(SLOWER * baseline_p99_ms, baseline_p99_ms + SLACK_MS)
    back_since: float | None = None
    for one in sorted(samples, key=lambda sample: sample.intended_s):
        if one.intended_s < parts.over_end_s or one.outcome is Outcome.UNSENT:
            continue
        if not one.outcome.is_success or one.latency_ms > bound_ms:
            back_since = None
        elif back_since is None:
            back_since = one.intended_s - parts.over_end_s
    return back_since


def _moment(second: float, inside: Sequence[Sample], rights: int, slice_seconds: float) -> Moment:
    latency = latency_of(one for one in inside if one.outcome in ANSWERED)
    return Moment(
        second=second,
        offered_per_s=len(inside) / slice_seconds,
        right_per_s=rights / slice_seconds,
        refused_per_s=sum(one.outcome is Outcome.REFUSED for one in inside) / slice_seconds,
        p99_ms=latency.p99 if latency else None,
    )
