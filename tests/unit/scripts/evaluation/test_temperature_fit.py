"""Temperatures that are known beforehand, found again."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from evaluation.labelled_files import of_folder
from evaluation.log_probabilities import LEAST_PROBABILITY, Logits, UncalibratedModel
from evaluation.predicting import predict
from evaluation.prediction import probabilities_of, scored
from evaluation.scorers import CheckpointScorer
from evaluation.temperature_fit import NotCalibrated, Quality, TemperatureFit, fitted, nll_at
from trust_nsfw.temperature import LEAST, MOST


def overconfident(count: int, temperature: float, seed: int = 3) -> Logits:
    """Return images whose classes come true as softmax(z) says, seen by a model that is sure as softmax(z * T)."""
    random = np.random.default_rng(seed)
    true_logits = random.normal(0, 2, (count, 5))
    classes = np.array([random.choice(5, p=row) for row in softmax(true_logits, axis=1)])
    values = log_softmax(true_logits * temperature, axis=1)
    return Logits(values, classes, np.arange(count), 0)


@pytest.mark.parametrize("temperature", [0.5, 2.0, 3.5])
def test_the_temperature_behind_the_data_is_found_and_lies_in_its_interval(temperature):
    logits = overconfident(4000, temperature)
    fit = TemperatureFit.of(logits)
    assert fit.temperature == pytest.approx(temperature, rel=0.06)
    assert fit.low < temperature < fit.high
    assert fit.high < 1.2 * fit.low
    before, after = Quality.at(logits, 1), Quality.at(logits, fit.temperature)
    assert after.nll < fit.nll_cross_validated < before.nll
    assert after.ece < 0.02 < before.ece


def test_the_fit_is_where_the_likelihood_is_highest_and_the_same_each_time():
    logits = overconfident(500, 2.5)
    best = fitted(logits)
    assert nll_at(logits, best) < min(nll_at(logits, best * 0.99), nll_at(logits, best * 1.01))
    assert TemperatureFit.of(logits) == TemperatureFit.of(logits)


def test_a_model_that_is_calibrated_gets_no_temperature():
    # Every image alike: the true class has 0.6, and is the true one in exactly 60 of 100.
    values = np.log(np.tile([0.6, 0.1, 0.1, 0.1, 0.1], (100, 1)))
    classes = np.repeat(np.arange(5), [60, 10, 10, 10, 10])
    with pytest.raises(NotCalibrated, match="a temperature lowers nothing"):
        TemperatureFit.of(Logits(values, classes, np.arange(100), 0))


def test_a_model_that_is_always_right_has_no_temperature():
    values = log_softmax(np.eye(5)[np.arange(100) % 5] * 3, axis=1)
    with pytest.raises(NotCalibrated, match="all 100 images are classified right"):
        TemperatureFit.of(Logits(values, np.arange(100) % 5, np.arange(100), 0))


def test_a_model_that_knows_nothing_ends_at_the_upper_bound():
    values = log_softmax(np.eye(5)[np.arange(100) % 5] * 3, axis=1)
    logits = Logits(values, (np.arange(100) + 1) % 5, np.arange(100), 0)
    assert LEAST < fitted(logits) <= MOST
    with pytest.raises(NotCalibrated, match="no calibration: 100 of 100 images are classified wrong"):
        TemperatureFit.of(logits)


def test_near_duplicates_widen_the_interval():
    once = overconfident(300, 2.0)
    copies = Logits(np.repeat(once.values, 4, axis=0), np.repeat(once.classes, 4), np.arange(1200), 0)
    grouped = Logits(copies.values, copies.classes, np.repeat(np.arange(300), 4), 0)
    known, unknown = TemperatureFit.of(grouped), TemperatureFit.of(copies)
    assert known.temperature == unknown.temperature
    assert known.high - known.low > 1.5 * (unknown.high - unknown.low)


def test_images_that_are_all_near_duplicates_give_no_temperature():
    logits = overconfident(50, 2.0)
    with pytest.raises(NotCalibrated, match="all images are near-duplicates"):
        TemperatureFit.of(Logits(logits.values, logits.classes, np.zeros(50, dtype=np.int64), 0))


def test_log_probabilities_are_the_engines_without_rounding_and_without_a_temperature(
    trained_checkpoint, class_folders
):
    files = of_folder(class_folders)
    logits = UncalibratedModel(trained_checkpoint).logits(files)
    published = probabilities_of(scored(predict(files, CheckpointScorer(trained_checkpoint))))
    assert logits.unreadable == 1
    assert np.abs(np.exp(logits.values) - published).max() < 1e-5
    assert len(np.unique(logits.groups)) == len(logits.classes) == 60
    assert (logits.values >= np.log(LEAST_PROBABILITY)).all()
    assert not np.array_equal(np.exp(logits.values).round(6), np.exp(logits.values))
