"""Images whose label is probably what is wrong: the model, which has not seen them, is confident of another class.

Confident learning (Northcutt, Jiang and Chuang, Journal of Artificial Intelligence Research 70, 2021): a class'
threshold is the model's mean probability of it over the images labelled so, so that a class it is seldom sure of asks
for less. An image is confidently of the most probable of the classes whose thresholds it reaches; where that is not its
label, and the model's top class is not either, the label is suspect. Suspects are ranked by their normalised margin.
The rule would rather miss an error than accuse a right label: what the model is less sure of than usual is let pass.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trust_nsfw.schema import LABELS


@dataclass(frozen=True, slots=True)
class LabelError:
    """A suspect: the image's `place`, the class that it is `likely` of, and p(label) - p(any other class) at most.

    The more negative `margin` is, the more probable the error.
    """

    place: int
    likely: str
    margin: float


def class_thresholds(probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each class' mean probability over the images labelled so, float64 [5]; infinite where there is none."""
    return np.array(
        [
            probabilities[classes == place, place].mean() if (classes == place).any() else np.inf
            for place in range(len(LABELS))
        ]
    )


def likely_label_errors(probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> list[LabelError]:
    """Return the suspects among float64 [N, 5] with labels int64 [N], the most probable first."""
    reached = np.where(probabilities >= class_thresholds(probabilities, classes), probabilities, -1.0)
    confident, top = reached.argmax(axis=1), probabilities.argmax(axis=1)
    others = probabilities.copy()
    others[np.arange(len(classes)), classes] = -1.0
    margins = probabilities[np.arange(len(classes)), classes] - others.max(axis=1)
    suspects = np.flatnonzero((reached.max(axis=1) >= 0) & (confident != classes) & (top != classes))
    return sorted(
        (LabelError(int(place), LABELS[confident[place]], float(margins[place])) for place in suspects),
        key=lambda one: (one.margin, one.place),
    )
