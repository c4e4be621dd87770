"""A result on a line is the contract's, and comes back as it was."""

import json

import pytest

from trust_nsfw.cli.lines import Origin, from_line, origin_of, to_line
from trust_nsfw.client import Failure, RemoteVerdict
from trust_nsfw.client.results import LabelScore, PolicyInfo
from trust_nsfw.schema import Action, Answer, Decision, ImageInfo, Item, ModelInfo, Reason, Request, Scores
from trust_nsfw.wire.rendering import render

MODEL = ModelInfo("nsfw", "1.0", "some/checkpoint", "f" * 64, "trained", "torch", "fp32")
VERDICT = RemoteVerdict(
    scores=Scores(drawing=0.01, hentai=0.02, neutral=0.03, porn=0.9, sexy=0.04),
    decision=Decision(Action.BLUR, (Reason("explicit", "explicit", 0.92, 0.85),)),
    image=ImageInfo("a" * 64, "GIF", 640, 480, frames=20, frame=7, background="black"),
    model=MODEL,
    policy=PolicyInfo("default", "1"),
    labels=(LabelScore("porn", 0.9),),
)
SCORED = '{"path": "x", "action": "allow", "scores": {"drawing": %s, "hentai": 0, "neutral": 0, "porn": 0, "sexy": 1}}'
FAILURE = Failure("corrupt_image", 422, "cut short")


@pytest.mark.parametrize("result", [VERDICT, FAILURE], ids=["verdict", "failure"])
def test_a_line_holds_what_the_server_answered_beside_its_place_in_the_request(result):
    request = Request((Item(b"x"),), min_confidence=0.5, per_item=True)
    answer = json.loads(render(Answer("default", "1", (result,)), request, MODEL).body)
    served = answer["results"][0] | ({k: answer[k] for k in ("policy", "model")} if result is VERDICT else {})
    line = json.loads(to_line("x.jpg", result))
    assert {"path": "x.jpg", **served} == line | {"index": 0, "id": None}


def test_a_line_comes_back():
    stored = from_line(to_line("x.jpg", VERDICT).encode())
    assert (stored.name, stored.action, stored.scores, stored.views) == ("x.jpg", "blur", VERDICT.scores, True)
    assert stored.sha256 == "a" * 64
    assert stored.origin == origin_of(VERDICT) == Origin("default", "1", "f" * 64)
    failed = from_line(to_line("y.jpg", FAILURE).encode())
    assert (failed.name, failed.action, failed.scores) == ("y.jpg", "error", None)


def test_a_line_is_one_line_of_ascii_whatever_the_path():
    line = to_line("a\nb\u2028\udce9é.jpg", FAILURE)
    assert line.isascii()
    assert line.splitlines(keepends=True) == [line]
    assert from_line(line.encode()).name == "a\nb\u2028\udce9é.jpg"


def test_an_id_names_a_result_that_was_stored_by_others():
    scores = {"drawing": 0, "hentai": 0, "neutral": 1, "porn": 0, "sexy": 0}
    stored = from_line(json.dumps({"id": "upload 7", "action": "allow", "scores": scores}).encode())
    assert (stored.name, stored.views, stored.origin) == ("upload 7", False, None)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{}", "it has no 'id'"),
        ("[]", "not an object"),
        ("7", "not an object"),
        ('{"path": 7, "action": "allow"}', "no text"),
        ('{"path": "x", "action": "ban", "scores": {}}', "'ban' is not a valid Action"),
        ('{"path": "x", "action": "allow", "scores": {"porn": 1}}', "it has no 'drawing'"),
        ('{"path": "x", "action": "allow", "scores": null}', "not an object"),
        (SCORED % "NaN", "not five probabilities"),
        (SCORED % "0.5", "not five probabilities"),
        (SCORED % ("1" + "0" * 400), "not five probabilities"),
        ('{"path": "x"', "Expecting"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_result_is_said(line, message):
    with pytest.raises(ValueError, match=message):
        from_line(line.encode())
