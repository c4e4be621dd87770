import json

import pytest

from trust_nsfw import wire
from trust_nsfw.errors import InvalidRequest
from trust_nsfw.schema import (
    Action,
    Answer,
    Decision,
    Describe,
    Failure,
    ImageInfo,
    Item,
    ModelInfo,
    Reason,
    Request,
    Scores,
    Verdict,
)

MODEL = ModelInfo("nsfw", "1.0", "some/checkpoint", "ab" * 32, "trained", "torch", "fp32")
VERDICT = Verdict(
    Scores(drawing=0.001, hentai=0.02, neutral=0.009, porn=0.93, sexy=0.04),
    Decision(Action.BLUR, (Reason("explicit", "explicit", 0.95, 0.85),)),
    ImageInfo("cd" * 32, "JPEG", 640, 480),
)
RAW = Request((Item(b"x"),))


def test_a_raw_body_is_one_item_and_its_options_come_from_headers_of_any_case():
    request = wire.parse(
        {"body": bytearray(b"\xff\xd8")}, {"X-POLICY": "strict", "body": {"content-type": "image/jpeg"}}
    )
    assert request == Request((Item(b"\xff\xd8"),), policy="strict")


def test_a_body_that_the_server_decoded_as_text_is_bytes_again():
    assert wire.parse({"body": "hé"}, {}).items == (Item("hé".encode()),)


@pytest.mark.parametrize("fields", [{}, {"file": b"x"}, {"body": {"images": []}}, {"body": None}, {"body": [1]}])
def test_anything_else_is_an_invalid_request(fields):
    with pytest.raises(InvalidRequest):
        wire.parse(fields, {})


def test_a_describe_header_asks_for_the_description():
    assert wire.parse({}, {"describe": "True"}) == Describe()


def test_an_answer_has_the_documented_shape():
    reply = wire.render(Answer("default", "1", (VERDICT,)), RAW, MODEL)
    assert (reply.status, reply.content_type) == (200, "application/json")
    assert json.loads(reply.body) == {
        "model": {
            "name": "nsfw",
            "version": "1.0",
            "checkpoint": "some/checkpoint",
            "sha256": "ab" * 32,
            "weights": "trained",
            "engine": "torch",
            "precision": "fp32",
        },
        "policy": {"name": "default", "version": "1"},
        "results": [
            {
                "index": 0,
                "id": None,
                "action": "blur",
                "label": "porn",
                "scores": {"drawing": 0.001, "hentai": 0.02, "neutral": 0.009, "porn": 0.93, "sexy": 0.04},
                "groups": {"explicit": 0.95, "nsfw": 0.99, "illustrated": 0.021},
                "reasons": [{"rule": "explicit", "score": "explicit", "value": 0.95, "threshold": 0.85}],
                "image": {
                    "sha256": "cd" * 32,
                    "format": "JPEG",
                    "width": 640,
                    "height": 480,
                    "frames": 1,
                    "frame": 0,
                    "background": None,
                },
            }
        ],
    }


def test_a_raw_image_that_failed_gets_the_errors_own_status():
    reply = wire.render(Answer("default", "1", (Failure("corrupt_image", 422, "broken"),)), RAW, MODEL)
    assert (reply.status, json.loads(reply.body)) == (422, {"error": {"code": "corrupt_image", "message": "broken"}})


def test_an_item_that_failed_among_others_is_an_error_in_its_slot():
    request = Request((Item(b"x", id="a"), Item(b"y", id="b")), per_item=True)
    reply = wire.render(Answer("default", "1", (VERDICT, Failure("empty_image", 400, "none"))), request, MODEL)
    results = json.loads(reply.body)["results"]
    assert reply.status == 200
    assert [result["id"] for result in results] == ["a", "b"]
    assert results[1] == {
        "index": 1,
        "id": "b",
        "action": "error",
        "error": {"code": "empty_image", "message": "none"},
    }


def test_a_refused_request_is_an_error_response():
    reply = wire.render(Failure("unknown_policy", 400, "no"), RAW, MODEL)
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (400, "unknown_policy")


def test_a_request_id_is_echoed_when_a_header_can_hold_it():
    assert wire.request_id({"x-REQUEST-id": "r-1"}) == "r-1"
    assert wire.request_id({"X-Request-Id": "a\r\nSet-Cookie: b"}) is None
    assert wire.request_id({"X-Request-Id": "x" * 129}) is None
    assert wire.request_id({"X-Request-Id": {"content-type": "text/plain"}}) is None
    assert wire.request_id({}) is None
