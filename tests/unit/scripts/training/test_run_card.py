"""What the run card says of the figures that a checkpoint was chosen by."""

import pytest

from training.run_card import curves, page, rests_on

DATA = {"train": 800, "validation": 1000, "validation_explicit": 400, "validation_others": 600, "fingerprint": "f" * 64}
EVALUATION = {
    "epoch": 1.0,
    "step": 10,
    "eval_loss": 0.5,
    "eval_accuracy": 0.9,
    "eval_recall_explicit": 0.8,
    "eval_recall_explicit_at_half": 0.85,
    "eval_ece": 0.1234,
    "eval_ece_left": 0.0321,
    "eval_selection": 0.7679,
}


def test_the_table_shows_the_calibration_error_that_selection_subtracts():
    card = {
        "name": "mine",
        "started_utc": "2025-01-01 00:00 UTC",
        "seconds": 10.0,
        "device": "CPU",
        "resumed": False,
        "base": "base",
        "base_revision": None,
        "data": DATA,
        "preprocessing": "p",
        "best": {"step": 10, "selection": 0.7679},
        "settings": {"selection": "recall-and-calibration", "max_fpr": 0.01},
        "ended": "Ended.",
        "history": [EVALUATION],
        "versions": {},
    }
    text = page(card)
    assert "| ECE | ECE left | selection |" in text
    assert "| 0.8000 | 0.1234 | 0.0321 | 0.7679 |" in text
    assert "It rests on 400 explicit and 600 other images; 6 of the others may score higher." in text


def test_the_curves_show_it_too():
    later = {**EVALUATION, "epoch": 2.0}
    drawn = curves([EVALUATION, later], 1.0)
    assert curves([EVALUATION, {**later, "eval_ece_left": 0.09}], 1.0) != drawn
    assert curves([EVALUATION, later], 1.0) == drawn


@pytest.mark.parametrize(("max_fpr", "others", "is_few"), [(0.01, 499, True), (0.01, 500, False), (0.0, 900, True)])
def test_a_recall_that_rests_on_few_false_positives_is_warned_of(max_fpr, others, is_few):
    text = rests_on({"validation_explicit": 50, "validation_others": others}, max_fpr)
    assert ("**" in text) is is_few
    assert f"{others:,} other images" in text
