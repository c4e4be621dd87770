"""Several measurements of one thing: their middle and how far they lie apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and most of some values."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """Sum up at least one value."""
        kept = list(values)
        return cls(median(kept), min(kept), max(kept))


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of all values don't exceed: one that was measured."""
    ranked = sorted(values)
    rank = -(-len(ranked) * percent // 100)  # rounded up
    return ranked[max(int(rank), 1) - 1]
