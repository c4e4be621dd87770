"""Figures against cases worked out by hand, and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from evaluation.assessment import Assessment
from evaluation.classification import Classification
from evaluation.metrics import Share
from evaluation.moderation import Moderation, actions_of
from evaluation.prediction import EvaluationError, Prediction
from evaluation.ranking import Ranking
from evaluation.reliability import Calibration
from evaluation.scorers import DEFAULT_POLICY_FILE
from evaluation.training_twins import TrainingTwins
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.schema import LABELS, Action

POLICY = load_policy_file(DEFAULT_POLICY_FILE).policy


def rows(*tops: str, confidence: float = 0.9) -> np.ndarray:
    """Return a row of probabilities for each label that is to be on top."""
    rest = (1 - confidence) / 4
    return np.array([[confidence if label == top else rest for label in LABELS] for top in tops])


def places(*labels: str) -> np.ndarray:
    return np.array([LABELS.index(label) for label in labels])


def prediction(label: str, scores: dict[str, float] | None, **others) -> Prediction:
    values = {"file": "a.png", "error": None if scores else "corrupt_image", "sha256": "0", "format": "PNG",
              "width": 10, "height": 10}  # fmt: skip
    return Prediction(label=label, scores=scores and dict.fromkeys(LABELS, 0.0) | scores, **values | others)


def test_a_known_confusion_gives_its_figures():
    truth = ["porn", "porn", "porn", "porn", "neutral", "neutral", "drawing", "hentai", "sexy"]
    said = ["porn", "porn", "porn", "neutral", "neutral", "porn", "drawing", "hentai", "sexy"]
    found = Classification.of(rows(*said), places(*truth))
    assert (found.accuracy.hits, found.accuracy.cases) == (7, 9)
    assert (found.classes["porn"].support, found.classes["porn"].precision, found.classes["porn"].recall) == (
        4,
        3 / 4,
        3 / 4,
    )
    assert (found.classes["neutral"].precision, found.classes["neutral"].recall) == (1 / 2, 1 / 2)
    porn, neutral = LABELS.index("porn"), LABELS.index("neutral")
    assert found.confusion[porn][neutral] == found.confusion[neutral][porn] == 1
    assert found.confusion_shares[porn].tolist() == [0, 0, 0.25, 0.75, 0]
    assert found.macro.recall == pytest.approx((3 / 4 + 1 / 2 + 1 + 1 + 1) / 5)
    assert found.weighted.recall == pytest.approx(7 / 9)


def test_averages_are_scikit_learns():
    random = np.random.default_rng(3)
    probabilities, classes = random.dirichlet(np.ones(5), 200), random.integers(0, 5, 200)
    found, predicted = Classification.of(probabilities, classes), probabilities.argmax(axis=1)
    assert found.accuracy.value == accuracy_score(classes, predicted)
    for average, ours in (("weighted", found.weighted), ("macro", found.macro)):
        assert ours.precision == pytest.approx(precision_score(classes, predicted, average=average))
        assert ours.recall == pytest.approx(recall_score(classes, predicted, average=average))
        assert ours.f1 == pytest.approx(f1_score(classes, predicted, average=average))


def test_a_class_without_images_is_not_measured_and_no_average_counts_it():
    found = Classification.of(rows("porn", "hentai", "neutral"), places("porn", "neutral", "neutral"))
    assert found.missing == ("drawing", "hentai", "sexy")
    assert np.isnan(
        [found.classes["hentai"].precision, found.classes["hentai"].recall, found.classes["hentai"].f1]
    ).all()
    assert np.isnan(found.confusion_shares[LABELS.index("hentai")]).all()
    assert found.macro.recall == pytest.approx((1 + 1 / 2) / 2)


def test_a_class_that_is_never_predicted_has_no_precision_and_no_recall():
    found = Classification.of(rows("neutral", "neutral"), places("porn", "neutral"))
    assert np.isnan(found.classes["porn"].precision)
    assert found.classes["porn"].recall == 0
    assert found.macro.precision == pytest.approx((0 + 1 / 2) / 2)


def test_rankings_are_perfect_reversed_or_not_measured():
    probabilities = rows("porn", "hentai", "neutral", "drawing")
    assert Ranking.of(probabilities, places("porn", "hentai", "neutral", "sexy"), "explicit").auc == 1
    assert Ranking.of(probabilities, places("neutral", "drawing", "porn", "hentai"), "explicit").auc == 0
    nothing = Ranking.of(probabilities, places("neutral", "drawing", "neutral", "sexy"), "explicit")
    assert np.isnan([nothing.auc, nothing.average_precision]).all()
    assert (nothing.positives, nothing.negatives, nothing.roc.size) == (0, 4, 0)


def test_a_policys_results_are_counted_by_true_class():
    labels = ["porn", "porn", "porn", "hentai", "neutral", "neutral", "drawing", "drawing", "sexy"]
    actions = [Action(action) for action in
               ("blur", "review", "allow", "blur", "allow", "blur", "allow", "allow", "review")]  # fmt: skip
    found = Moderation.of(labels, actions)
    assert found.actions["porn"] == {"allow": 1, "review": 1, "blur": 1}
    assert found.safe_rate == Share.of(3, 4)
    assert found.missed["porn"].allowed == Share.of(1, 3)
    assert found.missed["porn"].not_blurred == Share.of(2, 3)
    assert found.missed["hentai"].allowed == Share.of(0, 1)
    assert found.missed["explicit"].allowed == Share.of(1, 4)
    assert (found.blur_precision, found.blur_recall) == (Share.of(2, 3), Share.of(2, 4))
    assert found.review_load == Share.of(2, 9)


def test_none_missed_of_fifty_is_no_proof_that_none_will_be():
    share = Moderation.of(["porn"] * 50, [Action.BLUR] * 50).missed["porn"].allowed
    assert (share.value, share.low) == (0, 0)
    assert share.high == pytest.approx(0.0713, abs=1e-4)  # Wilson: 1.96^2 / (50 + 1.96^2)


def test_an_image_without_scores_has_no_action():
    with pytest.raises(EvaluationError, match="has no scores"):
        actions_of([prediction("porn", None)], POLICY)


def test_a_model_that_is_always_sure_and_right_half_the_time_is_off_by_half():
    found = Calibration.of(rows(*["porn"] * 10, confidence=1.0), places(*["porn"] * 5, *["neutral"] * 5))
    assert found.ece == pytest.approx(0.5)
    [last] = found.top_label
    assert (last.came_true.hits, last.came_true.cases, last.mean_probability) == (5, 10, 1.0)


def test_bins_hold_every_image_once_and_agree_with_the_error():
    random = np.random.default_rng(4)
    probabilities, classes = random.dirichlet(np.full(5, 0.3), 300), random.integers(0, 5, 300)
    found = Calibration.of(probabilities, classes)
    assert sum(one.came_true.cases for one in found.top_label) == 300
    assert sum(one.came_true.cases for one in found.explicit) == 300
    gaps = [one.came_true.cases * abs(one.mean_probability - one.came_true.value) for one in found.top_label]
    assert found.ece == pytest.approx(sum(gaps) / 300)


def test_an_assessment_says_loudly_what_is_missing_leaked_unreadable_and_few():
    predictions = [
        *(prediction("porn", {"porn": 0.9, "sexy": 0.1}, group=number) for number in range(3)),
        *(prediction("neutral", {"neutral": 1.0}, group=10) for _ in range(2)),
        prediction("drawing", None, group=11),
    ]
    found = Assessment.of(predictions, POLICY, {}, TrainingTwins(frozenset({0})))
    text = "\n".join(found.warnings)
    assert "No image of drawing and hentai and sexy could be evaluated" in text
    assert "1 of 5 images have near-duplicates in the training split" in text
    assert "1 of 6 images could not be scored: 1 corrupt_image" in text
    assert "only 2 of neutral, 3 of porn" in text
    assert (found.leaked, found.unleaked.accuracy, found.groups) == (1, Share.of(4, 4), 4)
    assert "in 4 groups of near-duplicates" in found.independence


def test_without_groups_independence_and_leaks_are_unknown():
    found = Assessment.of([prediction("porn", {"porn": 1.0})], POLICY, {})
    assert (found.groups, found.leaked) == (None, None)
    assert "is not known here" in found.independence
