import json

import pytest

from bench_record import SCORES
from measuring.answers import Expected, problem_of, problem_of_action

EXPECTED = Expected("aa", SCORES)


def ours(**changes: object) -> bytes:
    result = {"label": "neutral", "scores": SCORES, "action": "allow", "image": {"sha256": "aa"}} | changes
    return json.dumps({"results": [result]}).encode()


def moved(by: float) -> dict[str, float]:
    return SCORES | {"neutral": SCORES["neutral"] - by, "porn": SCORES["porn"] + by}


def test_the_expected_answers_are_right():
    assert problem_of("ours", 200, ours(), EXPECTED) is None
    assert problem_of("stock", 200, json.dumps(SCORES).encode(), EXPECTED) is None


def test_rounding_of_another_batch_size_is_right():
    assert problem_of("ours", 200, ours(scores=moved(0.004)), EXPECTED) is None
    assert problem_of("stock", 200, json.dumps(moved(0.0005)).encode(), EXPECTED) is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ours(image={"sha256": "bb"}), "an answer for another image: sha256 bb, sent was aa"),
        (ours(scores=moved(0.03)), "neutral is 0.3700, expected 0.4000 within 0.005"),
        (ours(action="blur"), "the action is blur; policy default 1 makes allow of these scores"),
        (ours(action=None), "the action is None"),
        (ours(scores=SCORES | {"porn": 0.254}), "sum to 1.0040"),
        (ours(scores=SCORES | {"porn": float("nan")}), "porn is nan"),
        (ours(label="porn"), "the label is porn, the best score is that of neutral"),
        (ours(scores={"neutral": 1.0}), "labels"),
        (b"[]", "not the shape of an answer: []"),
        (b"not JSON", "not the shape of an answer: not JSON"),
        (json.dumps({"results": []}).encode(), "not the shape"),
    ],
)
def test_a_wrong_answer_of_ours_is_named(body, said):
    assert said in problem_of("ours", 200, body, EXPECTED)


def test_a_swapped_answer_of_the_baseline_shows_in_its_scores():
    assert "neutral is" in problem_of("stock", 200, json.dumps(moved(0.002)).encode(), EXPECTED)


def test_any_status_but_200_is_wrong_and_quoted():
    assert problem_of("stock", 500, b'{"message": "no"}', EXPECTED) == 'status 500: {"message": "no"}'


def test_an_action_follows_from_the_scores_published_to_the_last_digit():
    calm = dict.fromkeys(SCORES, 0.0)
    assert problem_of_action("allow", calm | {"sexy": 0.599999}) is None
    assert problem_of_action("review", calm | {"sexy": 0.6}) is None
    assert "makes review" in problem_of_action("allow", calm | {"sexy": 0.6})
