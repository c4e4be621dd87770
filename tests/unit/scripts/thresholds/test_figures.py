import math

import numpy as np
import pytest

from labelled_scores import prediction, unscored
from thresholds.cases import Cases
from thresholds.figures import Figures
from thresholds.intervals import clopper_pearson
from thresholds.operating_point import OperatingPoint

RATES = {"porn": 0.008, "hentai": 0.002, "sexy": 0.09, "neutral": 0.7, "drawing": 0.2}
POINT = OperatingPoint(blur=800_000, review=400_000)


def images(label: str, blurred: int, reviewed: int, allowed: int) -> list:
    scores = [0.9] * blurred + [0.5] * reviewed + [0.1] * allowed
    return [prediction(label, porn=score) for score in scores]


def figures(*more) -> Figures:
    predictions = [
        *images("porn", 80, 15, 5),
        *images("hentai", 10, 9, 1),
        *images("sexy", 0, 10, 90),
        *images("neutral", 1, 19, 980),
        *images("drawing", 0, 5, 95),
        *more,
    ]
    cases = Cases.of(predictions)
    return Figures.of(cases, POINT.actions(cases), RATES)


def test_loads_and_precision_at_the_base_rate_agree_with_a_pencil():
    found = figures()
    blurred_explicit = 0.008 * 0.8 + 0.002 * 0.5
    reviewed_explicit = 0.008 * 0.15 + 0.002 * 0.45
    reviewed = reviewed_explicit + 0.09 * 0.1 + 0.7 * 0.019 + 0.2 * 0.05
    assert found.blur_load.value == pytest.approx(blurred_explicit + 0.7 * 0.001)
    assert found.blur_precision.value == pytest.approx(blurred_explicit / (blurred_explicit + 0.7 * 0.001))
    assert found.review_load.value == pytest.approx(reviewed)
    assert found.review_precision.value == pytest.approx(reviewed_explicit / reviewed)
    assert found.missed.value == pytest.approx(0.008 * 0.05 + 0.002 * 0.05)
    assert found.recall["explicit"].value == pytest.approx(0.95)


def test_the_precisions_interval_stays_honest_where_no_error_was_seen():
    cases = Cases.of([*images("porn", 50, 0, 0), *images("neutral", 0, 0, 50)])
    rates = dict.fromkeys(RATES, 0.0) | {"porn": 0.01, "neutral": 0.99}
    precision = Figures.of(cases, POINT.actions(cases), rates).blur_precision
    lowest, most_wrong = clopper_pearson(50, 50)[0], clopper_pearson(0, 50)[1]
    assert precision.value == 1
    assert precision.low == pytest.approx(0.01 * lowest / (0.01 * lowest + 0.99 * most_wrong))
    assert precision.low < 0.15


def test_an_image_without_scores_is_missed_and_looked_at_but_no_reason_to_trust_blurring():
    found = figures(*[unscored("porn")] * 100, *[unscored("neutral")] * 1000)
    assert found.recall["porn"].value == pytest.approx(95 / 200)
    assert found.review_load.value > 0.7 * 0.5
    assert found.blurred_safe.images == 1100


def test_a_figure_of_nothing_is_null_in_the_record():
    cases = Cases.of([*images("porn", 0, 5, 5), *images("neutral", 0, 0, 5)])
    found = Figures.of(cases, POINT.actions(cases), dict.fromkeys(RATES, 0.0) | {"porn": 0.5, "neutral": 0.5})
    assert math.isnan(found.blur_precision.value)
    assert found.record()["blur_precision"]["value"] is None
    assert found.record()["recall"]["porn"]["images"] == 10


def test_weights_count_as_images():
    cases = Cases.of([prediction("porn", porn=0.9), prediction("porn", porn=0.1)])
    cases = Cases(*(getattr(cases, name) for name in cases.__slots__[:-1]), weights=np.array([1.0, 9.0]))
    found = Figures.of(cases, POINT.actions(cases), dict.fromkeys(RATES, 0.0) | {"porn": 1.0})
    assert found.recall["porn"].value == pytest.approx(0.1)
