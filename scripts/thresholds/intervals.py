"""Shares with 95 % intervals that near-duplicates and unequal weights do not narrow, and what a promise needs.

A share of n independent images gets Clopper and Pearson's interval (Biometrika 26, 1934). It holds at least 95 % of the
time whatever the true share is; Wilson's, which is narrower, holds less often than that for shares near 1, and a recall
of 0.98 is just there. Where images have weights or near-duplicates, n is the effective number of images
(Kish, Survey Sampling, 1965): near-duplicates count as one, W^2 / sum over groups of W_g^2. Both together are the
interval of Korn and Graubard (Survey Methodology 24, 1998).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import beta

LEVEL = 0.95
TAIL = (1 - LEVEL) / 2
SLACK = 1e-9
"""What rounding in sums of weights may amount to, as a share."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its 95 % interval; NaN, 0 and 1 where nothing is known of it."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return "unknown" if math.isnan(self.value) else f"{self.value:.4f} ({self.low:.4f} to {self.high:.4f})"


@dataclass(frozen=True, slots=True)
class Rate(Estimate):
    """A share of images: of how many (`images`), and of how many independent ones (`effective`)."""

    images: int
    effective: float

    @classmethod
    def of(cls, hits: NDArray[np.bool_], weights: NDArray[np.float64], groups: NDArray[np.int64]) -> "Rate":
        """Return the weighted share of hits; all [N]."""
        total = float(weights.sum())
        if total <= 0:
            return cls(math.nan, 0.0, 1.0, 0, 0.0)
        value = float(weights[hits].sum()) / total
        effective = effective_images(weights, groups)
        low, high = clopper_pearson(value * effective, effective)
        return cls(value, low, high, len(hits), effective)


def effective_images(weights: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """Return how many independent images of equal weight say as much as these: near-duplicates say it once."""
    _, places = np.unique(groups, return_inverse=True)
    by_group = np.bincount(places, weights=weights)
    return float(weights.sum() ** 2 / (by_group**2).sum())


def clopper_pearson(hits: float, cases: float) -> tuple[float, float]:
    """Return the 95 % interval of a share; both numbers may be fractions."""
    low = 0.0 if hits <= SLACK * cases else float(beta.ppf(TAIL, hits, cases - hits + 1))
    high = 1.0 if hits >= cases * (1 - SLACK) else float(beta.ppf(1 - TAIL, hits + 1, cases - hits))
    return low, high


def share_that_promises(target: float, cases: float) -> float | None:
    """Return the least observed share whose interval begins at `target` or above; None where even 1 is too little.

    Choosing a threshold as an order statistic of the positives' scores by such a bound keeps the promise in 97.5 % of
    data sets (Tong, Feng and Li, Science Advances 4, 2018): with no miss among n images the bound is 0.025^(1/n).
    """
    if clopper_pearson(cases, cases)[0] < target:
        return None
    most = cases * (1 - target)

    def gap(misses: float) -> float:
        return clopper_pearson(cases - misses, cases)[0] - target

    if most <= 0 or gap(most) >= 0:
        return target
    return 1 - float(brentq(gap, 0.0, most, xtol=1e-9)) / cases


def further_images(target: float, misses: float, cases: float) -> int | None:
    """Return how many more images, none missed, lift the interval's lower end to `target`; None for a target of 1.

    With no miss so far that is ln(0.025) / ln(target) less what there is: 183 images for 0.98.
    """
    if target >= 1:
        return None

    def promises(more: int) -> bool:
        return clopper_pearson(cases + more - misses, cases + more)[0] >= target

    if promises(0):
        return 0
    most = 1
    while not promises(most):
        most *= 2
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if promises(middle) else (middle, most)
    return most
