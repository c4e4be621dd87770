"""What a checkpoint is chosen by, from logits whose figures are known."""

import numpy as np
import pytest

from training.selection import compute_metrics, figures
from training.settings import TrainingSettings
from trust_nsfw.schema import LABELS

# In the order of LABELS: each image is surest of its own class, but for the last, porn that looks neutral.
CLASSES = np.array([0, 1, 2, 3, 4, 3])
PROBABILITIES = np.array(
    [
        [0.8, 0.05, 0.05, 0.05, 0.05],
        [0.1, 0.8, 0.05, 0.025, 0.025],
        [0.05, 0.05, 0.8, 0.05, 0.05],
        [0.05, 0.05, 0.05, 0.8, 0.05],
        [0.05, 0.05, 0.05, 0.05, 0.8],
        [0.05, 0.05, 0.8, 0.05, 0.05],
    ]
)
LOGITS = np.log(PROBABILITIES)


def test_figures_by_hand():
    found = figures(LOGITS, CLASSES, TrainingSettings(max_fpr=0.01))
    assert found["accuracy"] == pytest.approx(5 / 6)
    # Explicit is porn + hentai: 0.825 and 0.85 are found above the 0.1 of the others; the last has 0.1 as they have.
    assert found["recall_explicit"] == pytest.approx(2 / 3)
    assert found["threshold_explicit"] == pytest.approx(0.825)
    assert found["recall_explicit_at_half"] == pytest.approx(2 / 3)
    assert found["ece"] == pytest.approx(abs(0.8 - 5 / 6))
    assert found["nll"] == pytest.approx(-(5 * np.log(0.8) + np.log(0.05)) / 6)
    assert found["selection"] == pytest.approx(2 / 3 - (5 / 6 - 0.8))


def test_by_accuracy_alone_where_that_is_asked_for():
    assert figures(LOGITS, CLASSES, TrainingSettings(selection="accuracy"))["selection"] == pytest.approx(5 / 6)


def test_of_two_that_find_as_much_the_calibrated_one_is_chosen():
    settings = TrainingSettings()
    rightly_sure, too_sure = (figures(LOGITS * factor, CLASSES, settings) for factor in (1.0, 6.0))
    assert rightly_sure["recall_explicit"] == too_sure["recall_explicit"]
    assert rightly_sure["selection"] > too_sure["selection"]


def test_without_explicit_images_the_recall_counts_as_nothing():
    places = np.flatnonzero(np.isin(CLASSES, [LABELS.index("neutral"), LABELS.index("drawing")]))
    found = figures(LOGITS[places], CLASSES[places], TrainingSettings())
    assert np.isnan(found["recall_explicit"])
    assert found["selection"] == pytest.approx(-0.2)


def test_the_trainer_gets_the_same_figures():
    class Evaluated:
        predictions, label_ids = LOGITS.astype(np.float32), CLASSES

    found, wanted = compute_metrics(TrainingSettings())(Evaluated), figures(LOGITS, CLASSES, TrainingSettings())
    assert found == pytest.approx(wanted, rel=1e-5)
