"""The least review load for every recall: the operating curve, and what a review budget buys on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from thresholds.figures import Figures
from thresholds.operating_point import OperatingPoint
from thresholds.search import Search
from thresholds.targets import TargetError

LEVELS = 60
LOWEST_LEVEL = 0.5
BISECTIONS = 14


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The thresholds with the least review load for a recall of at least `asked`, and what they give."""

    asked: float
    point: OperatingPoint
    figures: Figures


@dataclass(frozen=True, slots=True)
class Budget:
    """How many uploads a day, and how many images a day people can look at."""

    daily_uploads: int | None = None
    daily_reviews: int | None = None

    @property
    def load(self) -> float | None:
        """The share of uploads that may be reviewed; None where no budget was given."""
        if self.daily_uploads is None or self.daily_reviews is None:
            return None
        return self.daily_reviews / self.daily_uploads

    def shortfall(self, point: Figures, best: CurvePoint | None, recall: float) -> str | None:
        """Say what it would take when a load is over the budget; None when it is not, or when there is no budget.

        Loads and recalls are those on the images chosen on.
        """
        if (
            self.load is None
            or point.review_load.value <= self.load
            or not self.daily_uploads
            or self.daily_reviews is None
        ):
            return None
        needed = point.review_load.value * self.daily_uploads
        within = "no recall of 0.5 or more fits into it"
        if best is not None:  # rounded down, so that asking for it succeeds
            within = f"what fits into it is an observed recall of {np.floor(best.asked * 1e4) / 1e4:g} (--aim observed)"
        return (
            f"a recall of {recall:g} needs {np.ceil(needed):,.0f} reviews a day at {self.daily_uploads:,} uploads; "
            f"the budget is {self.daily_reviews:,}. It would take {np.ceil(needed) - self.daily_reviews:,.0f} reviews "
            f"a day more, or at most {int(self.daily_reviews / point.review_load.value):,} uploads a day; {within}"
        )


def operating_curve(search: Search, rates: Mapping[str, float], populations: Sequence[str]) -> list[CurvePoint]:
    """Return the curve from a recall of 0.5 to 1, denser towards 1; recalls out of reach are left out."""
    misses = np.append(np.geomspace(1 - LOWEST_LEVEL, 1 / max(len(search.cases), 10), LEVELS - 1), 0.0)
    found = (curve_point(search, rates, populations, float(1 - missed)) for missed in misses)
    return [point for point in found if point is not None]


def best_within(
    load: float, curve: Sequence[CurvePoint], search: Search, rates: Mapping[str, float], populations: Sequence[str]
) -> CurvePoint | None:
    """Return the highest recall whose review load is at most so much; None where the curve has none."""
    fitting = [point for point in curve if point.figures.review_load.value <= load]
    if not fitting:
        return None
    best = max(fitting, key=lambda point: point.asked)
    low, high = best.asked, min((point.asked for point in curve if point.asked > best.asked), default=best.asked)
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        tried = curve_point(search, rates, populations, middle)
        if tried is not None and tried.figures.review_load.value <= load:
            best, low = tried, middle
        else:
            high = middle
    return best


def curve_point(
    search: Search, rates: Mapping[str, float], populations: Sequence[str], recall: float
) -> CurvePoint | None:
    """Return the curve at one recall; None where no threshold reaches it."""
    try:
        point = search.choose(dict.fromkeys(populations, recall))
    except TargetError:
        return None
    return CurvePoint(recall, point, Figures.of(search.cases, point.actions(search.cases), rates))
