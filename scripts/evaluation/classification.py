"""How often the most probable class is the true one: over all images, per class, and which is taken for which."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from evaluation.metrics import Share
from trust_nsfw.schema import LABELS


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One class: `support` images are truly of it. What there is no image for is NaN.

    Precision is NaN where no image was taken for the class; the averages count it as 0 there, as scikit-learn does.
    """

    support: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Averages:
    """Over the classes that have images: weighted by their images, or each class alike (macro)."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Classification:
    """Figures of the top label. Rows of `confusion` are true classes, columns predicted ones, as in LABELS."""

    accuracy: Share
    weighted: Averages
    macro: Averages
    classes: dict[str, ClassFigures]
    confusion: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> Self:
        """Count float64 [N, 5] against int64 [N], N at least 1; of equal probabilities the first in LABELS counts."""
        predicted = probabilities.argmax(axis=1)
        places = list(range(len(LABELS)))
        precision, recall, f1, support = precision_recall_fscore_support(
            classes, predicted, labels=places, zero_division=np.nan
        )
        present = sorted(set(classes.tolist()))
        weighted, macro = (
            Averages(
                *precision_recall_fscore_support(classes, predicted, labels=present, average=way, zero_division=0)[:3]
            )
            for way in ("weighted", "macro")
        )
        figures = {
            label: ClassFigures(
                int(support[place]),
                float(precision[place]) if support[place] else np.nan,
                float(recall[place]),
                float(f1[place]) if support[place] else np.nan,
            )
            for place, label in enumerate(LABELS)
        }
        counts = confusion_matrix(classes, predicted, labels=places)
        return cls(
            accuracy=Share.of(int((predicted == classes).sum()), len(classes)),
            weighted=weighted,
            macro=macro,
            classes=figures,
            confusion=tuple(tuple(int(count) for count in row) for row in counts),
        )

    @property
    def confusion_shares(self) -> NDArray[np.float64]:
        """Each true class' predictions as shares, float64 [5, 5]; the row of a class without images is NaN."""
        counts = np.array(self.confusion, dtype=np.float64)
        totals = counts.sum(axis=1, keepdims=True)
        shares: NDArray[np.float64] = counts / np.where(totals == 0, np.nan, totals)
        return shares

    @property
    def missing(self) -> tuple[str, ...]:
        """Classes that no image is truly of: nothing can be said of them."""
        return tuple(label for label, figures in self.classes.items() if not figures.support)
