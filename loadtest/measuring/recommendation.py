"""From a sweep's measurements to the setting to use, by a rule that is stated; pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LOSS = 0.02
RULE = (
    f"Of the settings that answer at least {1 - LOSS:.0%} of the best one's images per second (in the worst case of "
    f"the higher concurrencies), those whose single user waits at most {LOSS:.0%} longer than with the best of them; "
    "of these the first, axes being listed from the least to the most."
)
QUEUE_RULE = "jobQueueSize = capacity (images/s) x objective (s) - batchSize x workers, at least one batch"
QUEUE_REASON = "who is accepted last waits for the whole queue and for the batches in work: just the objective"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Medians of one setting: images per second and p50 in ms by number of users."""

    images_per_s: Mapping[int, float]
    p50_ms: Mapping[int, float]


def recommended(outcomes: Sequence[Outcome], crowds: Sequence[int]) -> int:
    """Return the index of the setting to use by RULE; `crowds` are the concurrencies that count for throughput."""
    best = {users: max(outcome.images_per_s[users] for outcome in outcomes) for users in crowds}
    worth = [min(outcome.images_per_s[users] / best[users] for users in crowds) for outcome in outcomes]
    enough = [index for index, value in enumerate(worth) if value >= (1 - LOSS) * max(worth)]
    lone = min(outcomes[0].p50_ms)
    shortest = min(outcomes[index].p50_ms[lone] for index in enough)
    return next(index for index in enough if outcomes[index].p50_ms[lone] <= (1 + LOSS) * shortest)


def job_queue_size(capacity_images_per_s: float, objective_seconds: float, batch_size: int, workers: int) -> int:
    """Return the queue's length by QUEUE_RULE."""
    return max(math.floor(capacity_images_per_s * objective_seconds) - batch_size * workers, batch_size)
