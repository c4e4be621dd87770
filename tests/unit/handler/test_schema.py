import math

import pytest

from trust_nsfw.errors import InternalError
from trust_nsfw.schema import Action, Scores


def test_scores_are_rounded_and_groups_are_sums_of_the_published_scores():
    scores = Scores.from_probabilities([0.0010004, 0.02, 0.0089996, 0.93, 0.04])
    assert scores.classes() == {"drawing": 0.001, "hentai": 0.02, "neutral": 0.009, "porn": 0.93, "sexy": 0.04}
    assert scores.groups() == {"explicit": 0.95, "nsfw": 0.99, "illustrated": 0.021}
    assert scores.label == "porn"


@pytest.mark.parametrize(
    "row",
    [[math.nan, 0, 1, 0, 0], [0.5, 0.5], [-0.1, 0.6, 0.5, 0, 0], [0.5, 0.6, 0, 0, 0], [math.inf, 0, 0, 0, 0]],
)
def test_a_row_that_is_no_distribution_is_an_error_and_never_a_score(row):
    with pytest.raises(InternalError):
        Scores.from_probabilities(row)


def test_blur_is_more_severe_than_review_and_review_than_allow():
    assert Action.BLUR.severity > Action.REVIEW.severity > Action.ALLOW.severity
