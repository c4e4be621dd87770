"""How long to wait before asking again."""

import random
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, with full jitter: each wait is anywhere between nothing and a ceiling that doubles each time.

    Full jitter spreads clients that failed together better than equal steps do
    (Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """

    first_seconds: float = 0.1
    longest_seconds: float = 5.0
    attempts: int | None = None
    """Requests sent before giving up; None: as many as the deadline leaves time for."""

    def ceiling_seconds(self, failures: int) -> float:
        """Return the longest wait after so many failures, at least one."""
        return min(self.longest_seconds, self.first_seconds * 2.0 ** min(failures - 1, 32))

    def wait_seconds(self, failures: int) -> float:
        """Return how long to wait after so many failures."""
        return random.uniform(0, self.ceiling_seconds(failures))


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment, on this process's monotonic clock, after which nothing is waited for."""

    at_seconds: float

    @classmethod
    def in_seconds(cls, seconds: float) -> "Deadline":
        """Return the deadline so far from now."""
        return cls(time.monotonic() + seconds)

    def left_seconds(self) -> float:
        """Return how long there is still; negative once it has passed."""
        return self.at_seconds - time.monotonic()
