"""The knee: the highest rate that is answered within an objective and without an error, found by halving."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from campaign.record import Knee, Run

CLOSE_ENOUGH = 0.02  # of the rate: nearer than the same rate's own spread
GROWTH = 1.25  # of the rate, where every rate tried was kept


@dataclass(frozen=True, slots=True)
class Trial:
    """What an offered rate came to; `p99_ms` is None when nothing was answered."""

    rate_per_s: float
    p99_ms: float | None
    failures: int

    @classmethod
    def of(cls, run: Run) -> "Trial":
        """Return what an open-loop run tells; raises ValueError for a closed one."""
        if run.offered_per_s is None:
            raise ValueError(f"{run.stage} {run.setting} offered no rate")
        return cls(run.offered_per_s, run.latency.p99 if run.latency else None, run.failures)

    def keeps(self, objective_ms: float) -> bool:
        """Whether it kept the objective."""
        return self.failures == 0 and self.p99_ms is not None and self.p99_ms <= objective_ms


def search(known: Sequence[Trial], objective_ms: float, steps: int, attempt: Callable[[float], Trial | None]) -> Knee:
    """Try `steps` more rates between what keeps the objective and what does not.

    Where a rate once kept it and a lower one did not, the lower counts: the answer is one to rely on. An `attempt`
    of None ends the search.
    """
    trials = list(known)
    for _ in range(steps):
        kept, missed = bracket(trials, objective_ms)
        low = kept.rate_per_s if kept else 0.0
        if missed is None:
            rate = GROWTH * low
        elif missed.rate_per_s - low <= CLOSE_ENOUGH * missed.rate_per_s:
            break
        else:
            rate = (low + missed.rate_per_s) / 2
        if (trial := attempt(rate)) is None:
            break
        trials.append(trial)
    kept, _ = bracket(trials, objective_ms)
    return Knee(
        objective_ms=objective_ms,
        rate_per_s=kept.rate_per_s if kept else None,
        p99_ms=kept.p99_ms if kept else None,
        tried=[(one.rate_per_s, one.p99_ms, one.failures) for one in trials],
    )


def bracket(trials: Sequence[Trial], objective_ms: float) -> tuple[Trial | None, Trial | None]:
    """Return the highest trial below every one that missed the objective, and the lowest that missed it."""
    missed = min((one for one in trials if not one.keeps(objective_ms)), key=lambda one: one.rate_per_s, default=None)
    below = [one for one in trials if missed is None or one.rate_per_s < missed.rate_per_s]
    return max(below, key=lambda one: one.rate_per_s, default=None), missed
