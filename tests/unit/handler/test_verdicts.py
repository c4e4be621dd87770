from dataclasses import replace

import pytest

from trust_nsfw.policy import Policy, Rule
from trust_nsfw.schema import Action, Failure, ImageInfo, ScoredView, Scores
from trust_nsfw.verdicts import decide_all, differences, most_severe

IMAGE = ImageInfo("0" * 64, "GIF", 10, 10, frames=3)
POLICY = Policy("p", "1", (Rule("r", Action.BLUR, "any", {"explicit": 0.8}),), Action.ALLOW)
STRICT = Policy("s", "1", (Rule("r", Action.REVIEW, "any", {"explicit": 0.3}),), Action.ALLOW)


@pytest.mark.parametrize(
    ("rows", "deciding"),
    [
        ([(0, 0, 1, 0, 0), (0, 0, 0.1, 0.9, 0), (0, 0, 1, 0, 0)], 1),
        ([(0, 0, 0.1, 0.9, 0), (0, 0, 0.05, 0.95, 0), (0, 0, 0.1, 0.9, 0)], 1),
        ([(0, 0, 1, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0.7, 0, 0.3)], 2),
        ([(0, 0, 1, 0, 0), (1, 0, 0, 0, 0), (0, 0, 1, 0, 0)], 0),
    ],
)
def test_the_most_severe_view_decides_then_explicit_then_nsfw_then_the_first(rows, deciding):
    views = [ScoredView(replace(IMAGE, frame=frame), Scores(*row)) for frame, row in enumerate(rows)]
    verdict = most_severe(views, POLICY)
    assert verdict.image.frame == deciding
    assert verdict.scores == Scores(*rows[deciding])


def test_a_failure_stays_in_its_slot_and_differs_under_no_policy():
    failure = Failure("corrupt_image", 422, "no")
    clear, unsure = ((ScoredView(IMAGE, Scores(neutral=1 - porn, porn=porn)),) for porn in (0.1, 0.5))
    images = [clear, failure, unsure]
    results, others = decide_all(images, POLICY), decide_all(images, STRICT)
    assert results[1] is others[1] is failure
    assert differences(results, others) == ((Action.ALLOW, Action.REVIEW),)
