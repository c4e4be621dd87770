import json

import pytest

from thresholds.live import LiveFigures
from thresholds.verdict_lines import read_lines

SCORES = {"drawing": 0.0, "hentai": 0.0, "neutral": 0.5, "porn": 0.5, "sexy": 0.0}


def reviewed(action: str, verdict: str, count: int, start: int = 0, **more):
    if action == "error":
        results = [{"action": action, "error": {"code": "corrupt_image"}}] * count
    else:
        results = [
            {"action": action, "scores": SCORES, "image": {"sha256": f"{action}{verdict}{start + n}"}}
            for n in range(count)
        ]
    found = read_lines(json.dumps({"answer": result, "verdict": verdict, **more}).encode() for result in results)
    assert not found.malformed
    return found.reviewed


def test_precision_is_of_each_action():
    figures = LiveFigures.of(
        [*reviewed("blur", "porn", 90), *reviewed("blur", "sexy", 10), *reviewed("review", "safe", 5)]
    )
    assert figures.actions["blur"].explicit.value == pytest.approx(0.9)
    assert figures.actions["blur"].explicit.low < 0.9 < figures.actions["blur"].explicit.high
    assert figures.actions["review"].explicit.value == 0
    assert figures.actions["allow"].looked_at == 0


def test_recall_adds_up_sampled_allowed_images_by_their_probability():
    figures = LiveFigures.of(
        [
            *reviewed("blur", "porn", 80),
            *reviewed("review", "hentai", 10),
            *reviewed("allow", "porn", 2, sampled=0.2),
            *reviewed("allow", "safe", 198, sampled=0.2),
        ]
    )
    assert figures.caveat is None
    assert figures.actions["allow"].stands_for == pytest.approx(1000)
    assert figures.recall.value == pytest.approx(90 / 100)
    assert figures.recall_blurred.value == pytest.approx(80 / 100)
    assert "holds for all traffic" in str(figures)


def test_no_explicit_image_in_a_small_sample_does_not_prove_a_recall_of_1():
    figures = LiveFigures.of([*reviewed("blur", "porn", 100), *reviewed("allow", "safe", 30, sampled=0.01)])
    assert figures.recall.value == 1
    assert figures.recall.low < 0.25  # of 3,000 allowed images up to 11.6 % may be explicit


def test_recall_without_a_sample_of_allowed_images_is_marked():
    assert "nobody looked at allowed images" in LiveFigures.of(reviewed("blur", "porn", 5)).caveat
    picked = [*reviewed("blur", "porn", 5), *reviewed("allow", "porn", 3), *reviewed("allow", "safe", 1, sampled=0.1)]
    assert "3 of 4 allowed images don't say" in LiveFigures.of(picked).caveat


def test_an_explicit_image_that_was_not_scored_was_not_caught():
    figures = LiveFigures.of([*reviewed("blur", "porn", 9), *reviewed("error", "explicit", 1)])
    assert figures.recall.value == pytest.approx(0.9)


def test_equal_bytes_are_one_image_to_the_interval():
    once = LiveFigures.of(reviewed("blur", "porn", 1))
    often = LiveFigures.of([one for _ in range(50) for one in reviewed("blur", "porn", 1)])
    assert often.actions["blur"].looked_at == 50
    assert often.actions["blur"].explicit.low == pytest.approx(once.actions["blur"].explicit.low)


def test_what_mixes_or_contradicts_is_noted():
    line = {"answer": {"action": "blur", "scores": SCORES, "image": {"sha256": "a", "frames": 3}}}
    named = {"answer": {"results": [line["answer"]], "policy": {"name": "strict", "version": "2"}}}
    found = read_lines(
        json.dumps({**one, "verdict": verdict}).encode() for one, verdict in ((line, "porn"), (named, "sexy"))
    )
    notes = " ".join(LiveFigures.of(found.reviewed).notes)
    assert "several policies (strict 2, unnamed)" in notes
    assert "2 animated or transparent images" in notes
    assert "disagree on 1 images" in notes
    assert json.dumps(LiveFigures.of(found.reviewed).record())
