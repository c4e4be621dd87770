"""An evaluation as the arrays that thresholds are chosen on, in millionths: the published numbers, compared exactly."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.prediction import PREDICTIONS_FILE, EvaluationError, Prediction, classes_of, read_predictions
from trust_nsfw.errors import InternalError
from trust_nsfw.schema import LABELS, SCORE_DECIMALS, Scores

UNIT = 10**SCORE_DECIMALS
"""A score of 1 in the whole numbers used here."""

UNSCORED = -1
WEIGHTS_FILE = "weights.json"
"""Beside predictions.jsonl where images were sampled unequally: how many each stands for, in the file's order."""


@dataclass(frozen=True, slots=True)
class Cases:
    """Labelled images, all arrays [N].

    `classes` are places in LABELS. `explicit`, `sexy` and `nsfw` are published scores in millionths, UNSCORED where
    there are none. `groups` number near-duplicates, an image without any being its own. `weights` say how many images
    each stands for.
    """

    classes: NDArray[np.int64]
    explicit: NDArray[np.int64]
    sexy: NDArray[np.int64]
    nsfw: NDArray[np.int64]
    groups: NDArray[np.int64]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, predictions: Sequence[Prediction], weights: Sequence[float] | None = None) -> "Cases":
        """Take predictions in, each standing for itself or for its weight.

        Raises EvaluationError naming the image whose scores are no five probabilities.
        """
        rows = np.array([_millionths(one) for one in predictions], dtype=np.int64).reshape(-1, 3)
        numbers = {
            group: place for place, group in enumerate(sorted({o.group for o in predictions if o.group is not None}))
        }
        alone = iter(range(len(numbers), len(numbers) + len(predictions)))
        groups = [next(alone) if one.group is None else numbers[one.group] for one in predictions]
        return cls(
            classes=classes_of(predictions),
            explicit=rows[:, 0],
            sexy=rows[:, 1],
            nsfw=rows[:, 2],
            groups=np.array(groups, dtype=np.int64),
            weights=np.ones(len(rows)) if weights is None else np.array(weights, dtype=np.float64),
        )

    @classmethod
    def read(cls, evaluation: Path) -> "Cases":
        """Read an evaluation folder, or its predictions.jsonl by itself; raises EvaluationError."""
        file = evaluation / PREDICTIONS_FILE if evaluation.is_dir() else evaluation
        predictions = read_predictions(file)
        return cls.of(predictions, _weights(file.with_name(WEIGHTS_FILE), len(predictions)))

    def __len__(self) -> int:
        return len(self.classes)

    def subset(self, chosen: NDArray[np.bool_]) -> "Cases":
        """Return some of the images: bool [N]."""
        scores = self.explicit[chosen], self.sexy[chosen], self.nsfw[chosen]
        return Cases(self.classes[chosen], *scores, groups=self.groups[chosen], weights=self.weights[chosen])

    def are(self, *labels: str) -> NDArray[np.bool_]:
        """Return which images truly are of one of some classes: bool [N]."""
        return np.isin(self.classes, [LABELS.index(label) for label in labels])

    @property
    def unscored(self) -> NDArray[np.bool_]:
        """Which images could not be scored: bool [N]."""
        return np.asarray(self.explicit == UNSCORED)


def _millionths(prediction: Prediction) -> tuple[int, int, int]:
    if prediction.scores is None:
        return UNSCORED, UNSCORED, UNSCORED
    try:
        scores = Scores.from_probabilities([prediction.scores[label] for label in LABELS])
    except (InternalError, TypeError, ValueError) as error:
        raise EvaluationError(f"{prediction.file}: {error}") from None
    groups = scores.groups()
    return round(groups["explicit"] * UNIT), round(scores.sexy * UNIT), round(groups["nsfw"] * UNIT)


def _weights(file: Path, count: int) -> list[float] | None:
    try:
        weights = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{file} cannot be read: {error}") from None
    if not isinstance(weights, list) or len(weights) != count:
        raise EvaluationError(f"{file} is not a list of {count:,} weights, one per prediction")
    for place, weight in enumerate(weights):
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < weight < math.inf:
            raise EvaluationError(f"{file}: weight {place} is {weight!r}, not a number above 0")
    return [float(weight) for weight in weights]
