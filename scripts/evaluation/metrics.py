"""Figures of merit from probabilities float64 [N, 5], in the order of LABELS, and true classes int64 [N]. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import roc_curve

from trust_nsfw.schema import GROUPS, LABELS

ECE_BINS = 15
LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True, slots=True)
class Share:
    """A share of cases with its 95 % interval (Wilson, Journal of the American Statistical Association 22, 1927).

    All three are NaN where there is no case.
    """

    hits: int
    cases: int
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, cases: int) -> "Share":
        """Count `hits` among `cases`."""
        if cases == 0:
            return cls(0, 0, np.nan, np.nan, np.nan)
        interval = binomtest(hits, cases).proportion_ci(0.95, method="wilson")
        return cls(hits, cases, hits / cases, float(interval.low), float(interval.high))


def group_score(probabilities: NDArray[np.float64], group: str) -> NDArray[np.float64]:
    """Return each image's probability of a class, or of a group (explicit, nsfw, illustrated): float64 [N]."""
    members = GROUPS.get(group, (group,))
    total: NDArray[np.float64] = probabilities[:, [LABELS.index(label) for label in members]].sum(axis=1)
    return total


def is_in_group(classes: NDArray[np.int64], group: str) -> NDArray[np.bool_]:
    """Return whether each image truly belongs to a class or group: bool [N]."""
    members = [LABELS.index(label) for label in GROUPS.get(group, (group,))]
    return np.isin(classes, members)


def recall_at_fpr(
    probabilities: NDArray[np.float64], classes: NDArray[np.int64], group: str, max_fpr: float
) -> tuple[float, float]:
    """Return the highest recall of a group whose false-positive rate is at most `max_fpr`, and its threshold.

    NaN for both where there are no images of the group, or none of the others.
    """
    positive = is_in_group(classes, group)
    if positive.all() or not positive.any():
        return float("nan"), float("nan")
    fpr, recall, thresholds = roc_curve(positive, group_score(probabilities, group), drop_intermediate=False)
    best = int(np.flatnonzero(fpr <= max_fpr)[-1])
    return float(recall[best]), float(thresholds[best])


def expected_calibration_error(
    probabilities: NDArray[np.float64], classes: NDArray[np.int64], bins: int = ECE_BINS
) -> float:
    """Return the mean distance between confidence and accuracy over bins of equal width, weighted by their images.

    The top label's, as Guo et al. (ICML 2017) define it.
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == classes
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    counts = np.bincount(places, minlength=bins)
    gaps = np.bincount(places, weights=confidence, minlength=bins) - np.bincount(places, weights=right, minlength=bins)
    return float(np.abs(gaps).sum() / counts.sum())


def negative_log_likelihood(probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> float:
    """Return the mean of -log p(true class), natural logarithm."""
    chosen = probabilities[np.arange(len(classes)), classes]
    return float(-np.log(np.maximum(chosen, LEAST_PROBABILITY)).mean())
