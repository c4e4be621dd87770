"""From which number of users on more of them get no more answered. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

GROWTH = 1.05  # below which a step's rate counts as no growth: steps of seconds differ by a few percent anyway
NEAR_BEST = 0.95  # of the best rate: the fewest users that reach it are the point of saturation


@dataclass(frozen=True, slots=True)
class Step:
    """A number of users, and how many requests per second they got answered rightly."""

    users: int
    answered_per_s: float


def saturation(steps: Sequence[Step], patience: int) -> Step | None:
    """Return the point of saturation once the last `patience` steps brought no growth; None before that."""
    if len(steps) <= patience:
        return None
    before = max(step.answered_per_s for step in steps[:-patience])
    best = max(step.answered_per_s for step in steps)
    if best > GROWTH * before:
        return None
    return next(step for step in steps if step.answered_per_s >= NEAR_BEST * best)
