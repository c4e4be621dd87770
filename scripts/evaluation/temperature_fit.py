"""The temperature at which a model's probabilities come true most often: one number, fitted on held-out images.

Guo et al., On Calibration of Modern Neural Networks (ICML 2017): softmax(logits / T) with the T that minimises the
negative log-likelihood. The likelihood, unlike the ECE, has no bins, and has its minimum where probabilities are true.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from evaluation.log_probabilities import Logits
from evaluation.metrics import expected_calibration_error
from trust_nsfw.temperature import LEAST, MOST

FOLDS = 5
DRAWS = 200
SEED = 42
NEAR_BOUND = 1.01
"""A fit within 1 % of LEAST or MOST ended at the bound: the likelihood has no minimum between them."""

DECIMALS = 6


class NotCalibrated(RuntimeError):
    """A temperature that would be no gain; the message says why."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How far probabilities can be trusted: mean of -log p(true class), and the top label's calibration error."""

    nll: float
    ece: float

    @classmethod
    def at(cls, logits: Logits, temperature: float) -> "Quality":
        """Measure the images' probabilities at a temperature."""
        probabilities = probabilities_at(logits, temperature)
        return cls(
            round(nll_at(logits, temperature), DECIMALS),
            round(expected_calibration_error(probabilities, logits.classes), DECIMALS),
        )


@dataclass(frozen=True, slots=True)
class TemperatureFit:
    """A temperature with its 95 % interval, by a bootstrap of near-duplicate groups (percentiles of 200 draws).

    `nll_cross_validated` is the negative log-likelihood of images at temperatures that were fitted without them.
    """

    temperature: float
    low: float
    high: float
    nll_cross_validated: float

    @classmethod
    def of(cls, logits: Logits) -> "TemperatureFit":
        """Fit.

        Raises NotCalibrated where no image is classified wrong, when the fit ends at a bound, and where it is no gain
        on images left out of it.
        """
        count = len(logits.classes)
        if not (wrong := int((logits.values.argmax(axis=1) != logits.classes).sum())):
            raise NotCalibrated(
                f"all {count:,} images are classified right, so the likelihood only grows as the temperature falls; "
                "images that the model gets wrong are needed to tell how sure it may be"
            )
        temperature = round(fitted(logits), DECIMALS)
        if not LEAST * NEAR_BOUND < temperature < MOST / NEAR_BOUND:
            raise NotCalibrated(
                f"the likelihood is best at a temperature of {temperature:.3g} or beyond, which is no calibration: "
                f"{wrong:,} of {count:,} images are classified wrong"
            )
        before, cross_validated = nll_at(logits, 1), _cross_validated(logits)
        if cross_validated >= before:
            raise NotCalibrated(
                f"a temperature lowers nothing: the negative log-likelihood is {before:.4f} without one and "
                f"{cross_validated:.4f} on images left out of the fit (at {temperature:.3f})"
            )
        low, high = np.percentile(_redrawn(logits), [2.5, 97.5])
        return cls(temperature, round(float(low), 4), round(float(high), 4), round(cross_validated, DECIMALS))


def probabilities_at(logits: Logits, temperature: float) -> NDArray[np.float64]:
    """Return the images' probabilities at a temperature, float64 [N, 5]."""
    probabilities: NDArray[np.float64] = softmax(logits.values / temperature, axis=1)
    return probabilities


def nll_at(logits: Logits, temperature: float, weights: NDArray[np.float64] | None = None) -> float:
    """Return the mean of -log p(true class), weighted if asked; no probability is too small for it."""
    chosen = log_softmax(logits.values / temperature, axis=1)[np.arange(len(logits.classes)), logits.classes]
    return -float(np.average(chosen, weights=weights))


def fitted(logits: Logits, weights: NDArray[np.float64] | None = None) -> float:
    """Return the temperature from LEAST to MOST of the smallest negative log-likelihood.

    In 1 / T the likelihood is convex, so in log T it has one minimum.
    """
    found = minimize_scalar(
        lambda log: nll_at(logits, float(np.exp(log)), weights),
        bounds=(np.log(LEAST), np.log(MOST)),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(np.exp(found.x))


def _cross_validated(logits: Logits) -> float:
    """Return the negative log-likelihood, each image at the temperature fitted on the other four fifths."""
    folds = _folds(logits)
    total = 0.0
    for fold in range(FOLDS):
        inside = folds == fold
        if inside.any() and not inside.all():
            temperature = fitted(logits, (~inside).astype(np.float64))
            total += nll_at(logits, temperature, inside.astype(np.float64)) * inside.sum()
        elif inside.any():
            raise NotCalibrated("all images are near-duplicates of each other")
    return total / len(logits.classes)


def _folds(logits: Logits) -> NDArray[np.int64]:
    """Return each image's fold, int64 [N]: near-duplicates in one, classes (of a group's first image) spread evenly."""
    _, first, places = np.unique(logits.groups, return_index=True, return_inverse=True)
    order = np.lexsort((first, logits.classes[first]))
    fold_of_group = np.empty(len(first), dtype=np.int64)
    fold_of_group[order] = np.arange(len(first)) % FOLDS
    found: NDArray[np.int64] = fold_of_group[places]
    return found


def _redrawn(logits: Logits) -> list[float]:
    """Return the temperatures of bootstrap draws of near-duplicate groups; the same ones each time."""
    random = np.random.default_rng(SEED)
    count, places = len(np.unique(logits.groups)), np.unique(logits.groups, return_inverse=True)[1]
    draws = (np.bincount(random.integers(0, count, count), minlength=count)[places] for _ in range(DRAWS))
    return [fitted(logits, draw.astype(np.float64)) for draw in draws]
