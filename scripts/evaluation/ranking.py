"""How well a group's probability tells its images from the others, whatever the threshold: ROC and precision-recall."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from evaluation.metrics import group_score, is_in_group


@dataclass(frozen=True, slots=True)
class Ranking:
    """A group's curves. `auc` (under the ROC) and `average_precision` are NaN, curves empty, where one side has none.

    `roc` is float64 [2, K], false-positive rate and recall; `precision_recall` float64 [2, K], recall and precision.
    """

    group: str
    positives: int
    negatives: int
    auc: float
    average_precision: float
    roc: NDArray[np.float64]
    precision_recall: NDArray[np.float64]

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], classes: NDArray[np.int64], group: str) -> Self:
        """Rank float64 [N, 5] by the group's probability."""
        positive, score = is_in_group(classes, group), group_score(probabilities, group)
        positives, negatives = int(positive.sum()), int((~positive).sum())
        if not positives or not negatives:
            empty = np.zeros((2, 0))
            return cls(group, positives, negatives, np.nan, np.nan, empty, empty)
        fpr, recall, _ = roc_curve(positive, score)
        precision, found, _ = precision_recall_curve(positive, score)
        return cls(
            group=group,
            positives=positives,
            negatives=negatives,
            auc=float(roc_auc_score(positive, score)),
            average_precision=float(average_precision_score(positive, score)),
            roc=np.stack([fpr, recall]),
            precision_recall=np.stack([found, precision]),
        )
