"""The knee: the highest rate that is answered within an objective and without an error, found by halving."""

from collections.abc import Callable, Sequence

from campaign.record import Knee, Run, Trial

CLOSE_ENOUGH = 0.02  # of the rate: nearer than the same rate's own spread
GROWTH = 1.25  # of the rate, where every rate tried was kept


def trial_of(run: Run) -> Trial:
    """Return what an open-loop run tells; raises ValueError for a closed one."""
    if run.offered_per_s is None or run.arrived_per_s is None:
        raise ValueError(f"{run.stage} {run.setting} offered no rate")
    p99 = run.latency.p99 if run.latency else None
    return Trial(run.offered_per_s, run.arrived_per_s, run.answered_per_s, p99, run.failures, run.is_generators)


def search(known: Sequence[Trial], objective_ms: float, steps: int, attempt: Callable[[float], Trial | None]) -> Knee:
    """Try `steps` more rates between what keeps the objective and what does not.

    Where a rate once kept it and a lower one did not, the lower counts: the answer is one to rely on. An `attempt`
    of None ends the search, and so does one that the generator could not apply.
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
        if not rate or (trial := attempt(rate)) is None:
            break
        trials.append(trial)
        if not counts(trial, objective_ms):
            break
    kept, _ = bracket(trials, objective_ms)
    return Knee(
        objective_ms=objective_ms,
        rate_per_s=kept.rate_per_s if kept else None,
        p99_ms=kept.p99_ms if kept else None,
        tried=trials,
    )


def counts(trial: Trial, objective_ms: float) -> bool:
    """Whether a trial tells of the server: one that missed while the generator was at fault doesn't."""
    return trial.keeps(objective_ms) or not trial.is_generators


def bracket(trials: Sequence[Trial], objective_ms: float) -> tuple[Trial | None, Trial | None]:
    """Return the highest trial below every one that missed the objective, of its rounds the worst, and the lowest that
    missed it.
    """
    telling = [one for one in trials if counts(one, objective_ms)]
    missed = min((one for one in telling if not one.keeps(objective_ms)), key=lambda one: one.rate_per_s, default=None)
    below = [one for one in telling if missed is None or one.rate_per_s < missed.rate_per_s]
    return max(below, key=lambda one: (one.rate_per_s, one.p99_ms or 0), default=None), missed
