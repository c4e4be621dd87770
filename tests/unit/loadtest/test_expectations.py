import pytest

from bench_record import SCORES
from measuring.answers import WrongAnswerError
from measuring.expectations import learned, problem_of_shift, required_told_apart, shift, told_apart

OTHER = SCORES | {"neutral": 0.3, "porn": 0.35}


class Beside:
    """Answers the one question as an archive in a process of its own does."""

    def __init__(self, *actions: str) -> None:
        self.actions = list(actions)

    def ask(self, **question: str) -> dict[str, list]:
        assert question == {"what": "expected"}
        return {"scores": [SCORES] * len(self.actions), "actions": self.actions}


def test_pictures_with_like_scores_cannot_be_told_apart():
    assert told_apart([SCORES, OTHER], tolerance=0.05) == 1.0
    assert told_apart([SCORES, OTHER], tolerance=0.2) == 0.0
    assert told_apart([SCORES, SCORES, OTHER], tolerance=0.05) == 2 / 3
    assert told_apart([SCORES], tolerance=0.05) == 0.0


def test_pictures_among_which_a_swap_would_pass_unnoticed_are_refused():
    assert required_told_apart("ours", "ours", [SCORES, OTHER]) == 1.0
    with pytest.raises(ValueError, match=r"ours: only 66\.7% of all pairs of these 3 pictures"):
        required_told_apart("ours", "ours", [SCORES, SCORES, OTHER])


def test_each_is_told_apart_by_its_own_tolerance():
    alike = SCORES | {"neutral": 0.398, "porn": 0.252}
    assert required_told_apart("stock", "stock", [SCORES, alike]) == 1.0
    with pytest.raises(ValueError, match="0.005"):
        required_told_apart("ours", "ours", [SCORES, alike])


def test_an_action_that_its_own_scores_do_not_lead_to_is_wrong_before_anything_is_measured():
    assert learned(Beside("allow", "allow"), "ours") == ([SCORES, SCORES], ["allow", "allow"])
    with pytest.raises(WrongAnswerError, match="ours in-process, picture 1: the action is blur"):
        learned(Beside("allow", "blur"), "ours")


def test_the_shift_is_the_largest_difference_of_any_probability():
    assert shift([SCORES, SCORES], [SCORES, OTHER]) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("runs", "is_wrong"),
    [
        ({}, True),
        ({"weights": "random"}, False),
        ({"merge_tokens": 8}, False),
        ({"precision": "bf16", "weights": "random"}, True),
        ({"golden_tolerance": 0.05}, False),
    ],
)
def test_an_archive_beyond_its_golden_tolerance_is_wrong_unless_the_distance_means_nothing(runs, is_wrong):
    description = {"precision": "int8", "weights": "trained", "merge_tokens": 0, "golden_tolerance": 0.03} | runs
    assert (problem_of_shift(description, 0.04) is not None) is is_wrong
