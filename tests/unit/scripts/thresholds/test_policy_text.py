from pathlib import Path

import pytest

from evaluation.prediction import EvaluationError
from labelled_scores import evenly_spread, prediction, unscored
from thresholds.operating_point import OperatingPoint
from thresholds.policy_text import policy_text
from thresholds.written_policy import verify
from trust_nsfw.policy import decide
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.schema import Action

POINTS = [
    OperatingPoint(930_819, 219_243, 600_000, 700_000),
    OperatingPoint(850_001, 1),
    OperatingPoint(1_000_000, None, 950_000),
    OperatingPoint(500_000, nsfw=550_000),
    OperatingPoint(1),
    OperatingPoint(0),
]


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_a_written_policy_loads_and_its_examples_hold(tmp_path: Path, point):
    file = tmp_path / "mine.yaml"
    file.write_text(policy_text(point, "mine", "3", ["why", "it: is # so"]), encoding="utf-8")
    loaded = load_policy_file(file)
    assert (loaded.policy.name, loaded.policy.version) == ("mine", "3")
    assert loaded.policy == point.policy("mine", "3")
    assert loaded.tests
    for test in loaded.tests:
        assert decide(test.scores, loaded.policy).action is test.action


def test_the_examples_stand_on_both_sides_of_each_threshold(tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text(policy_text(POINTS[0], "mine", "1", []))
    tests = {(test.scores.groups()["explicit"], test.scores.sexy): test.action for test in load_policy_file(file).tests}
    assert tests[0.930819, 0] is Action.BLUR
    assert tests[0.930818, 0] is Action.REVIEW
    assert tests[0.219243, 0] is Action.REVIEW
    assert tests[0.219242, 0] is Action.ALLOW
    assert tests[0, 0.6] is Action.REVIEW
    assert tests[0, 0.599999] is Action.ALLOW


def test_thresholds_are_written_in_published_numbers():
    assert "any: {explicit: 0.000001}" in policy_text(OperatingPoint(850_001, 1), "mine", "1", [])


def test_a_policy_that_decides_otherwise_than_was_counted_on_is_not_let_through():
    point = POINTS[0]
    text = policy_text(point, "mine", "1", [])
    verify(text, "mine", point, [*evenly_spread(20), unscored("porn")])
    with pytest.raises(EvaluationError, match="near.png gets review by the policy, blur was counted on"):
        verify(
            text,
            "mine",
            OperatingPoint(800_000, 219_243, 600_000, 700_000),
            [prediction("porn", file="near.png", porn=0.9)],
        )
