"""The scores that must come back for a picture."""

import json
from pathlib import Path

import pytest

from traffic.references import References
from trust_nsfw.schema import LABELS

SCORES = dict(zip(LABELS, (0.1, 0.2, 0.4, 0.25, 0.05), strict=True))
OTHERS = dict(zip(LABELS, (0.1, 0.2, 0.394, 0.256, 0.05), strict=True))


def test_the_first_answer_is_what_later_ones_are_held_against():
    references = References()
    assert references.problem_of("a", SCORES) is None
    assert references.problem_of("b", OTHERS) is None
    assert references.problem_of("a", dict(SCORES)) is None
    assert references.problem_of("a", SCORES | {"porn": 0.2549, "neutral": 0.3951}) is None
    assert references.problem_of("a", OTHERS) == "neutral is 0.3940, expected 0.4000 within 0.005"


def test_scores_that_were_told_hold_for_the_first_answer_too():
    assert References({"a": OTHERS}).problem_of("a", SCORES) == "neutral is 0.4000, expected 0.3940 within 0.005"


def test_a_best_label_is_known_where_it_leads_by_more_than_scores_may_move():
    close = dict(zip(LABELS, (0.1, 0.1, 0.404, 0.396, 0.0), strict=True))
    references = References({"a": SCORES, "close": close})
    assert [references.best_of(key) for key in ("a", "close", "unknown")] == ["neutral", None, None]


def test_references_are_read_from_json(tmp_path: Path):
    file = tmp_path / "references.json"
    file.write_text(json.dumps({"a": SCORES, "more": SCORES}))
    assert References.load(file, {"a"}).problem_of("a", OTHERS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "holds no object"),
        ({"a": {"porn": 1}}, "'a' has not the labels drawing, hentai"),
        ({"a": 1}, "'a' has not the labels"),
        ({"b": SCORES}, "has no scores of 1 pictures that are sent, such as 'a'"),
    ],
)
def test_references_that_lack_something_are_refused(tmp_path: Path, content, said):
    file = tmp_path / "references.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=said):
        References.load(file, {"a"})
