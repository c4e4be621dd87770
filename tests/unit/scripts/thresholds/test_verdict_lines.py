import json

import pytest

from thresholds.verdict_lines import read_lines

RESULT = {
    "index": 0,
    "id": "a",
    "action": "blur",
    "label": "porn",
    "scores": {"drawing": 0.0, "hentai": 0.3, "neutral": 0.1, "porn": 0.6, "sexy": 0.0},
    "image": {"sha256": "ab", "format": "JPEG", "width": 64, "height": 48, "frames": 1, "background": None},
}
ANSWER = {"model": {"sha256": "cd"}, "policy": {"name": "default", "version": "1"}, "results": [RESULT]}
FAILED = {"index": 1, "id": "b", "action": "error", "error": {"code": "corrupt_image", "message": "cut off"}}


def read(*lines):
    return read_lines(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)


@pytest.mark.parametrize(
    "line",
    [
        {"answer": ANSWER, "verdict": "porn"},
        {"answer": RESULT, "verdict": "porn"},
        {**RESULT, "path": "a", "verdict": "porn", "policy": {"name": "default", "version": "1"}},
        {"answer": ANSWER, "verdict": ["porn"]},
    ],
)
def test_a_whole_answer_a_result_and_a_stored_line_say_the_same(line):
    [one] = read(line).reviewed
    assert (one.name, one.action, one.label, one.weight, one.is_sampled) == ("a", "blur", "porn", 1.0, False)
    assert one.scores.porn == 0.6
    assert one.image["sha256"] == "ab"


def test_an_answer_of_several_images_has_a_verdict_for_each_or_null():
    found = read({"answer": {**ANSWER, "results": [RESULT, FAILED, RESULT]}, "verdict": ["porn", "safe", None]})
    assert [(one.action, one.label, one.error) for one in found.reviewed] == [
        ("blur", "porn", None),
        ("error", "neutral", "corrupt_image"),
    ]
    assert found.without_verdict == 1
    assert found.reviewed[0].checkpoint == "cd"


def test_explicit_and_safe_become_the_likelier_class():
    hentai = RESULT | {"scores": {"drawing": 0.2, "hentai": 0.5, "neutral": 0.1, "porn": 0.2, "sexy": 0.0}}
    found = read({"answer": hentai, "verdict": "explicit"}, {"answer": hentai, "verdict": "safe"})
    assert [one.label for one in found.reviewed] == ["hentai", "drawing"]


def test_a_sampling_probability_and_a_weight_are_one_thing():
    found = read(
        {"answer": RESULT, "verdict": "porn", "sampled": 0.05}, {"answer": RESULT, "verdict": "porn", "weight": 20}
    )
    assert [one.weight for one in found.reviewed] == [20, 20]
    assert all(one.is_sampled for one in found.reviewed)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "Expecting"),
        (b"\xff{}", "utf-8"),
        (b"[" * 100_000, ""),
        ([], "no object"),
        ({"answer": RESULT}, "no verdict"),
        ({"answer": RESULT, "verdict": "nude"}, "'nude' is not one of"),
        ({"answer": RESULT, "verdict": {}}, "is not one of"),
        ({"answer": RESULT, "verdict": ["porn", "porn"]}, "1 results and 2 verdicts"),
        ({"answer": {**ANSWER, "results": []}, "verdict": []}, "no list of results"),
        ({"answer": "x", "verdict": "porn"}, "its answer is no object"),
        ({"answer": RESULT | {"action": "remove"}, "verdict": "porn"}, "'remove' is not one of"),
        ({"answer": RESULT | {"action": {}}, "verdict": "porn"}, "is not one of"),
        ({"answer": {"action": "blur"}, "verdict": "porn"}, "scores is no object"),
        ({"answer": RESULT | {"scores": {"porn": 1.0}}, "verdict": "porn"}, "no 'drawing'"),
        ({"answer": RESULT | {"scores": dict.fromkeys(RESULT["scores"], 0.9)}, "verdict": "porn"}, "five prob"),
        ({"answer": RESULT | {"scores": dict.fromkeys(RESULT["scores"], "x")}, "verdict": "porn"}, "five prob"),
        ({"answer": RESULT | {"image": 3}, "verdict": "porn"}, "image is no object"),
        ({"answer": RESULT, "verdict": "porn", "sampled": 0}, "above 0"),
        ({"answer": RESULT, "verdict": "porn", "sampled": 1.5}, "at most 1"),
        ({"answer": RESULT, "verdict": "porn", "sampled": 1e-320}, "at most 1"),
        ({"answer": RESULT, "verdict": "porn", "sampled": True}, "above 0"),
        ({"answer": RESULT, "verdict": "porn", "weight": 0.5}, "at least 1"),
        ({"answer": RESULT, "verdict": "porn", "weight": 10**400}, ""),
        ({"answer": RESULT, "verdict": "porn", "weight": float("nan")}, "above 0"),
        ({"answer": RESULT, "verdict": "porn", "weight": 2, "sampled": 0.5}, "both"),
    ],
)
def test_a_malformed_line_is_listed_with_its_number(line, why):
    good = {"answer": RESULT, "verdict": "porn"}
    found = read(good, b"\n", line, good)
    assert [malformed.line for malformed in found.malformed] == [3]
    assert why in found.malformed[0].why
    assert str(found.malformed[0]).startswith("line 3: ")
    assert [one.line for one in found.reviewed] == [1, 4]
