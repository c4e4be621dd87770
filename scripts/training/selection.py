"""Which checkpoint of a training is the best: by what platforms lose when it is wrong, not by accuracy alone."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from evaluation.log_probabilities import Logits
from evaluation.metrics import (
    expected_calibration_error,
    group_score,
    is_in_group,
    negative_log_likelihood,
    recall_at_fpr,
)
from evaluation.temperature_fit import fitted, probabilities_at
from training.settings import TrainingError, TrainingSettings

SELECTION = "selection"
"""The figure that is compared; higher is better."""


class Diverged(TrainingError):
    """The model's outputs are no numbers any more."""


def figures(logits: NDArray[np.float64], classes: NDArray[np.int64], settings: TrainingSettings) -> Mapping[str, float]:
    """Return what is logged of a validation: accuracy, recall, calibration, and what the checkpoint is chosen by.

    `recall_explicit` is the recall of porn and hentai together at a false-positive rate of at most `max_fpr`. The
    selection is that recall minus `ece_left`, the calibration error that remains at the best temperature for these
    images: of two checkpoints that find as much, the one whose thresholds can be made to mean what they say. What
    scripts/calibrate.py can mend is not held against one: label smoothing alone would favour those that have learned
    little. Where there is no explicit image the recall counts as 0. Raises Diverged for logits that are not finite.
    """
    if not np.isfinite(logits).all():
        raise Diverged("the model's outputs are not finite; take a lower --learning-rate or --precision fp32")
    values = Logits(logits.astype(np.float64), classes, groups=np.arange(len(classes)), unreadable=0)
    probabilities = softmax(logits.astype(np.float64), axis=1)
    accuracy = float((probabilities.argmax(axis=1) == classes).mean())
    recall, threshold = recall_at_fpr(probabilities, classes, "explicit", settings.max_fpr)
    ece = expected_calibration_error(probabilities, classes)
    ece_left = expected_calibration_error(probabilities_at(values, fitted(values)), classes)
    found = {
        "accuracy": accuracy,
        "recall_explicit": recall,
        "threshold_explicit": threshold,
        "recall_explicit_at_half": _recall_at_half(probabilities, classes),
        "ece": ece,
        "ece_left": ece_left,
        "nll": negative_log_likelihood(probabilities, classes),
    }
    selection = accuracy if settings.selection == "accuracy" else float(np.nan_to_num(recall)) - ece_left
    return {SELECTION: selection, **found}


def compute_metrics(settings: TrainingSettings) -> Callable[[Any], dict[str, float]]:
    """Return what transformers' Trainer calls with an EvalPrediction."""
    return lambda evaluated: dict(figures(evaluated.predictions, evaluated.label_ids, settings))


def _recall_at_half(probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> float:
    explicit = is_in_group(classes, "explicit")
    return float((group_score(probabilities, "explicit")[explicit] >= 0.5).mean()) if explicit.any() else float("nan")
