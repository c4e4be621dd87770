"""Each kind of mistake, and in which order they come."""

import pytest

from evaluation.mistakes import Kind, mistakes_of
from labelled_scores import prediction
from trust_nsfw.schema import Action

ALLOW, REVIEW, BLUR = Action.ALLOW, Action.REVIEW, Action.BLUR


@pytest.mark.parametrize(
    ("label", "scores", "action", "kind", "confidence"),
    [
        ("porn", {"porn": 0.1}, ALLOW, Kind.MISSED, 0.9),
        ("hentai", {"porn": 0.1, "hentai": 0.2}, ALLOW, Kind.MISSED, 0.7),
        ("porn", {"porn": 0.6}, REVIEW, Kind.NOT_BLURRED, 0.4),
        ("porn", {"hentai": 0.9}, BLUR, Kind.CONFUSED, 0.9),
        ("porn", {"porn": 0.9}, BLUR, None, 0),
        ("sexy", {"porn": 0.9}, BLUR, Kind.BLURRED, 0.9),
        ("sexy", {"sexy": 0.9}, REVIEW, None, 0),
        ("sexy", {"porn": 0.7}, REVIEW, Kind.CONFUSED, 0.7),
        ("neutral", {"hentai": 0.4, "porn": 0.3}, BLUR, Kind.BLURRED, 0.7),
        ("drawing", {"sexy": 0.4, "porn": 0.2, "drawing": 0.4}, REVIEW, Kind.REVIEWED, 0.6),
        ("neutral", {"neutral": 0.9, "drawing": 0.1}, ALLOW, None, 0),
        ("drawing", {"neutral": 0.8, "drawing": 0.2}, ALLOW, Kind.CONFUSED, 0.8),
    ],
)
def test_an_image_is_of_the_first_kind_that_fits(label, scores, action, kind, confidence):
    found = mistakes_of([prediction(label, **scores)], [action])
    assert [(one.kind, one.confidence) for one in found] == ([(kind, pytest.approx(confidence))] if kind else [])


def test_the_most_harmful_kind_comes_first_and_in_it_the_most_confident():
    images = [
        prediction("neutral", porn=0.8),
        prediction("porn", porn=0.4),
        prediction("porn", porn=0.1),
        prediction("neutral", porn=0.95),
    ]
    found = mistakes_of(images, [BLUR, ALLOW, ALLOW, BLUR])
    assert [one.place for one in found] == [2, 1, 3, 0]
    assert found[0].kind.is_false_negative
    assert found[2].kind.is_false_positive
