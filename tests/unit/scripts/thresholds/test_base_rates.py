import numpy as np
import pytest

from evaluation.prediction import EvaluationError
from labelled_scores import ladder
from thresholds.base_rates import parse_rates, resolve_rates, upload_shares
from thresholds.cases import Cases


def cases(**counts: int) -> Cases:
    every = {"porn": 30, "hentai": 10, "neutral": 60, "drawing": 20, "sexy": 20} | counts
    return Cases.of([one for label, count in every.items() for one in ladder(label, count)])


def test_a_groups_rate_and_the_rest_are_shared_as_the_evaluation_is():
    rates = resolve_rates({"explicit": 0.01}, cases())
    assert rates["porn"] == pytest.approx(0.0075)
    assert rates["hentai"] == pytest.approx(0.0025)
    assert rates["neutral"] == pytest.approx(0.99 * 0.6)
    assert rates["drawing"] == rates["sexy"] == pytest.approx(0.99 * 0.2)
    assert sum(rates.values()) == pytest.approx(1)


def test_without_rates_uploads_are_as_the_evaluation_is():
    assert resolve_rates({}, cases())["porn"] == pytest.approx(30 / 140)


def test_a_missing_class_is_named_with_the_way_out():
    with pytest.raises(EvaluationError, match="no image of hentai.*--base-rate hentai=0"):
        resolve_rates({"explicit": 0.01}, cases(hentai=0))
    assert resolve_rates({"hentai": 0.0, "porn": 0.01}, cases(hentai=0))["hentai"] == 0


def test_with_nothing_explicit_there_is_nothing_to_tune():
    with pytest.raises(EvaluationError, match="nothing to catch"):
        resolve_rates({"explicit": 0.0}, cases())


def test_rates_of_all_classes_must_make_1():
    with pytest.raises(EvaluationError, match=r"sum to 0\.5, not to 1"):
        resolve_rates({"explicit": 0.1, "safe": 0.3, "sexy": 0.1}, cases())


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["explicit"], "not NAME=SHARE"),
        (["nudity=0.1"], "not one of"),
        (["porn=1.5"], "from 0 to 1"),
        (["porn=nan"], "from 0 to 1"),
        (["explicit=0.1", "porn=0.1"], "same class"),
        (["porn=0.1", "porn=0.2"], "same class"),
        (["explicit=0.6", "sexy=0.6"], "more than 1"),
    ],
)
def test_rates_that_mean_nothing_are_refused(texts, message):
    with pytest.raises(ValueError, match=message):
        parse_rates(texts)


def test_images_share_their_classes_rate_by_weight():
    found = cases(porn=2)
    weights = np.where(np.arange(len(found)) == 0, 3.0, 1.0)
    shares = upload_shares(found, resolve_rates({"porn": 0.04}, found), weights)
    assert shares[:2] == pytest.approx([0.03, 0.01])
    assert shares.sum() == pytest.approx(1)
