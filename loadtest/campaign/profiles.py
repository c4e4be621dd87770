"""How much a campaign measures: --quick, the default, --full. Seconds are of one measurement, its warm-up apart."""

from dataclasses import dataclass, replace

USERS = (1, 2, 4, 8, 16, 32, 64)
SHARES = (0.5, 0.8, 1.0, 1.5)  # of capacity
SINGLE = "single=1"
MIXED_USERS = 16
PAST_FULL = 1.5  # times as long as filling the queue should take: refusals are to be seen
MOST_OVER_SECONDS = 120.0  # a queue that takes longer to fill is reported as never full
LEAST_MIXED_SECONDS = 3.0  # a batch of 16 pictures takes more than one, and 16 users may all have one under way


@dataclass(frozen=True, slots=True)
class Overload:
    """Seconds at half of the capacity, over it, and at half of it again; shares of the capacity."""

    before_seconds: float
    over_seconds: float
    after_seconds: float
    base_share: float = 0.5
    over_share: float = 1.5

    def filling(self, places: int, capacity_per_s: float) -> "Overload":
        """Return it lasting long enough to fill a queue of so many places, batch under way included, and then some."""
        surplus_per_s = (self.over_share - 1) * capacity_per_s
        seconds = min(PAST_FULL * places / surplus_per_s, MOST_OVER_SECONDS)
        return replace(self, over_seconds=max(self.over_seconds, round(seconds, 1)))

    def profile(self, capacity_per_s: float) -> tuple[tuple[float, float], ...]:
        """Return (requests per second, seconds) of its three parts."""
        base, over = (round(share * capacity_per_s, 2) for share in (self.base_share, self.over_share))
        return ((base, self.before_seconds), (over, self.over_seconds), (base, self.after_seconds))


@dataclass(frozen=True, slots=True)
class Profile:
    """What is measured, how often and how long. Batch settings are tried with MIXED_USERS users."""

    name: str
    rounds: int
    batching_rounds: int
    warmup_seconds: float
    seconds: float  # closed loop, one image a request
    mixed_seconds: float
    open_seconds: float
    users: tuple[int, ...]
    shares: tuple[float, ...]
    batch_sizes: tuple[int, ...]
    delays_ms: tuple[int, ...]
    knee_steps: int
    overload: Overload
    slice_seconds: float  # of the overload's timeline

    def with_seconds(self, seconds: float) -> "Profile":
        """Return it with measurements of another length, the overload's parts in proportion."""
        scale = seconds / self.seconds
        overload = replace(
            self.overload,
            before_seconds=scale * self.overload.before_seconds,
            over_seconds=scale * self.overload.over_seconds,
            after_seconds=scale * self.overload.after_seconds,
        )
        return replace(
            self,
            warmup_seconds=min(self.warmup_seconds, seconds),
            seconds=seconds,
            mixed_seconds=max(scale * self.mixed_seconds, LEAST_MIXED_SECONDS),
            open_seconds=scale * self.open_seconds,
            overload=overload,
            slice_seconds=min(self.slice_seconds, overload.over_seconds / 2),
        )


QUICK = Profile(
    name="quick",
    rounds=1,
    batching_rounds=1,
    warmup_seconds=0.5,
    seconds=2.0,
    mixed_seconds=3.0,
    open_seconds=2.0,
    users=(1, 16, 64),
    shares=SHARES,
    batch_sizes=(1, 8),
    delays_ms=(),
    knee_steps=0,
    overload=Overload(before_seconds=2, over_seconds=3, after_seconds=12),
    slice_seconds=0.5,
)
DEFAULT = Profile(
    name="default",
    rounds=3,
    batching_rounds=2,
    warmup_seconds=1.0,
    seconds=5.0,
    mixed_seconds=8.0,
    open_seconds=8.0,
    users=USERS,
    shares=SHARES,
    batch_sizes=(1, 4, 8, 16),
    delays_ms=(1, 10),
    knee_steps=4,
    overload=Overload(before_seconds=10, over_seconds=15, after_seconds=20),
    slice_seconds=1.0,
)
FULL = Profile(
    name="full",
    rounds=5,
    batching_rounds=3,
    warmup_seconds=2.0,
    seconds=10.0,
    mixed_seconds=15.0,
    open_seconds=20.0,
    users=USERS,
    shares=SHARES,
    batch_sizes=(1, 2, 4, 8, 16, 32),
    delays_ms=(1, 2, 5, 10),
    knee_steps=6,
    overload=Overload(before_seconds=20, over_seconds=30, after_seconds=40),
    slice_seconds=1.0,
)
