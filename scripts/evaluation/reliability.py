"""Does a probability of 0.8 come true in eight of ten cases? Bins, the calibration error, and the diagram."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from charting.style import BLUE, EDGE, INK, grid
from evaluation.metrics import (
    ECE_BINS,
    Share,
    expected_calibration_error,
    group_score,
    is_in_group,
    negative_log_likelihood,
)

FEW_IMAGES = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The images whose probability is from `low` up to `high`: its mean, and how often it came true."""

    low: float
    high: float
    mean_probability: float
    came_true: Share


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far probabilities can be taken at their word.

    `top_label` bins the most probable class' probability by whether it is the true one, and `ece` is its expected
    calibration error; `explicit` bins the probability of explicit content, which policies decide on.
    """

    ece: float
    negative_log_likelihood: float
    mean_confidence: float
    top_label: tuple[Bin, ...]
    explicit: tuple[Bin, ...]

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> Self:
        """Compare float64 [N, 5] with int64 [N], N at least 1."""
        confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == classes
        return cls(
            ece=expected_calibration_error(probabilities, classes),
            negative_log_likelihood=negative_log_likelihood(probabilities, classes),
            mean_confidence=float(confidence.mean()),
            top_label=bins_of(confidence, right),
            explicit=bins_of(group_score(probabilities, "explicit"), is_in_group(classes, "explicit")),
        )


def bins_of(probability: NDArray[np.float64], came_true: NDArray[np.bool_], bins: int = ECE_BINS) -> tuple[Bin, ...]:
    """Sort float64 [N] into bins of equal width; those without an image are left out."""
    places = np.clip((probability * bins).astype(int), 0, bins - 1)
    found = []
    for place in range(bins):
        inside = places == place
        if inside.any():
            share = Share.of(int(came_true[inside].sum()), int(inside.sum()))
            found.append(Bin(place / bins, (place + 1) / bins, float(probability[inside].mean()), share))
    return tuple(found)


def draw_reliability(axes: Axes, bins: Sequence[Bin], title: str, colour: str = BLUE) -> None:
    """Draw how often each bin came true, with its 95 % interval, against its mean; areas grow with its images.

    Bins of fewer than FEW_IMAGES are faint: they say little.
    """
    axes.plot([0, 1], [0, 1], "--", color=EDGE, lw=1.2, zorder=1)
    most = max(one.came_true.cases for one in bins)
    for one in bins:
        mean, true = one.mean_probability, one.came_true
        fades = 0.3 if true.cases < FEW_IMAGES else 1.0
        axes.plot([mean, mean], [true.low, true.high], color=INK, lw=1.1, alpha=fades, zorder=2)
        size = 22 + 200 * true.cases / most
        axes.scatter([mean], [true.value], s=size, color=colour, alpha=0.85 * fades, zorder=3, lw=0)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), title=title, aspect="equal")
    grid(axes)
