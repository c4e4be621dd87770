"""Suspect labels by hand."""

import numpy as np
import pytest

from evaluation.label_errors import class_thresholds, likely_label_errors
from trust_nsfw.schema import LABELS

# In the order of LABELS: drawing, hentai, neutral, porn, sexy.
ROWS = [
    ([0.9, 0.1, 0.0, 0.0, 0.0], 0),
    ([0.7, 0.3, 0.0, 0.0, 0.0], 0),
    ([0.2, 0.8, 0.0, 0.0, 0.0], 0),  # hentai's own mean is 0.6: the label is suspect
    ([0.45, 0.55, 0.0, 0.0, 0.0], 0),  # wrong, but not confidently so
    ([0.1, 0.7, 0.2, 0.0, 0.0], 1),
    ([0.1, 0.5, 0.4, 0.0, 0.0], 1),
    ([0.0, 0.0, 1.0, 0.0, 0.0], 1),  # neutral has no image of its own, so no threshold can be reached
]
PROBABILITIES = np.array([row for row, _ in ROWS])
CLASSES = np.array([label for _, label in ROWS])


def test_a_class_threshold_is_its_mean_over_its_own_images():
    thresholds = class_thresholds(PROBABILITIES, CLASSES)
    assert thresholds[0] == pytest.approx((0.9 + 0.7 + 0.2 + 0.45) / 4)
    assert thresholds[1] == pytest.approx((0.7 + 0.5 + 0.0) / 3)
    assert np.isinf(thresholds[2:]).all()


def test_only_confident_disagreement_is_suspect_and_the_worst_comes_first():
    found = likely_label_errors(PROBABILITIES, CLASSES)
    assert [(one.place, one.likely) for one in found] == [(2, "hentai"), (3, "hentai")]
    assert [one.margin for one in found] == pytest.approx([0.2 - 0.8, 0.45 - 0.55])


def test_a_class_that_the_model_is_seldom_sure_of_asks_for_less():
    probabilities = np.array([[0.5, 0.4, 0.1, 0, 0], [0.5, 0.3, 0.2, 0, 0], [0.9, 0.1, 0, 0, 0], [0.6, 0.4, 0, 0, 0]])
    found = likely_label_errors(probabilities, np.array([1, 1, 0, 0]))
    assert found == [], "0.5 of drawing is little, for its own images get 0.75"


def test_an_image_that_the_model_puts_first_in_its_own_class_is_not_suspect():
    # 0.5 of hentai is below its mean 0.7, 0.45 of drawing above its mean 0.4: drawing is all that is reached.
    probabilities = np.array([[0.45, 0.5, 0.05, 0, 0], [0.1, 0.9, 0, 0, 0], [0.4, 0.1, 0.5, 0, 0]])
    assert [one.place for one in likely_label_errors(probabilities, np.array([1, 1, 0]))] == []


def test_planted_swaps_are_found_and_nothing_else():
    """By a model that is sure of most images, as trained ones are; what it is less sure of than usual is let pass."""
    random = np.random.default_rng(0)
    true = random.integers(0, 5, 400)
    doubt = 0.4 * random.uniform(0, 1, 400) ** 6
    probabilities = random.dirichlet(np.ones(5), 400) * doubt[:, None]
    probabilities[np.arange(400), true] += 1 - doubt
    labels = true.copy()
    swapped = random.choice(400, 20, replace=False)
    labels[swapped] = (labels[swapped] + random.integers(1, 5, 20)) % 5
    found = likely_label_errors(probabilities, labels)
    assert {one.place for one in found} <= set(swapped.tolist())
    assert all(one.likely == LABELS[true[one.place]] and one.margin < 0 for one in found)
    assert len(found) > 10
