"""What a checkpoint is chosen by, from logits whose figures are known."""

import numpy as np
import pytest

from training.selection import Diverged, compute_metrics, figures
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
    assert found["ece_left"] < found["ece"] + 0.02
    assert found["selection"] == pytest.approx(2 / 3 - found["ece_left"])


def test_by_accuracy_alone_where_that_is_asked_for():
    assert figures(LOGITS, CLASSES, TrainingSettings(selection="accuracy"))["selection"] == pytest.approx(5 / 6)


def test_what_a_temperature_mends_is_not_held_against_a_checkpoint():
    settings = TrainingSettings()
    rightly_sure, too_sure = (figures(LOGITS * factor, CLASSES, settings) for factor in (1.0, 6.0))
    assert too_sure["ece"] > rightly_sure["ece"] + 0.1
    assert too_sure["selection"] == pytest.approx(rightly_sure["selection"], abs=1e-3)


def test_of_two_that_find_as_much_the_one_that_can_be_calibrated_is_chosen():
    """Both are wrong on every fifth image of neutral; one is unsure of just those, the other of all but those."""
    classes = np.tile(np.arange(5), 40)
    sure, unsure = np.log([0.96, 0.01]), np.log([0.4, 0.15])

    def logits_of(wrong_are_sure: bool) -> np.ndarray:
        rows = []
        for number, label in enumerate(classes):
            wrong = label == LABELS.index("neutral") and number % 25 == label
            high, low = unsure if bool(wrong) != wrong_are_sure else sure
            row = np.full(5, low)
            row[LABELS.index("drawing") if wrong else label] = high
            rows.append(row)
        return np.array(rows)

    telling, blind = (figures(logits_of(sure_of_it), classes, TrainingSettings()) for sure_of_it in (False, True))
    assert telling["accuracy"] == blind["accuracy"]
    assert telling["recall_explicit"] == blind["recall_explicit"] == 1
    assert telling["selection"] > blind["selection"]


def test_without_explicit_images_the_recall_counts_as_nothing():
    places = np.flatnonzero(np.isin(CLASSES, [LABELS.index("neutral"), LABELS.index("drawing")]))
    found = figures(LOGITS[places], CLASSES[places], TrainingSettings())
    assert np.isnan(found["recall_explicit"])
    assert found["selection"] == pytest.approx(-found["ece_left"])


def test_the_trainer_gets_the_same_figures():
    class Evaluated:
        predictions, label_ids = LOGITS.astype(np.float32), CLASSES

    found, wanted = compute_metrics(TrainingSettings())(Evaluated), figures(LOGITS, CLASSES, TrainingSettings())
    assert found == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_logits_that_are_not_finite_are_a_training_that_has_diverged(value):
    logits = LOGITS.copy()
    logits[2, 3] = value
    with pytest.raises(Diverged, match="outputs are not finite"):
        figures(logits, CLASSES, TrainingSettings())
