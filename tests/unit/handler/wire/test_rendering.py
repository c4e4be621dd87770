import json

from trust_nsfw.schema import (
    Action,
    Answer,
    Decision,
    Explanation,
    Failure,
    ImageInfo,
    Item,
    ModelInfo,
    Reason,
    Request,
    Scores,
    Verdict,
)
from trust_nsfw.wire.rendering import render, render_failure, render_moderated

MODEL = ModelInfo("nsfw", "1.0", "some/checkpoint", "ab" * 32, "trained", "torch", "fp32")
VERDICT = Verdict(
    Scores(drawing=0.001, hentai=0.02, neutral=0.009, porn=0.93, sexy=0.04),
    Decision(Action.BLUR, (Reason("explicit", "explicit", 0.95, 0.85),)),
    ImageInfo("cd" * 32, "JPEG", 640, 480),
)
RAW = Request((Item(b"x"),))


def test_an_answer_has_the_documented_shape():
    reply = render(Answer("default", "1", (VERDICT,)), RAW, MODEL)
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
    reply = render(Answer("default", "1", (Failure("corrupt_image", 422, "broken"),)), RAW, MODEL)
    assert (reply.status, json.loads(reply.body)) == (422, {"error": {"code": "corrupt_image", "message": "broken"}})


def test_an_item_that_failed_among_others_is_an_error_in_its_slot():
    request = Request((Item(b"x", id="a"), Item(b"y", id="b")), per_item=True)
    reply = render(Answer("default", "1", (VERDICT, Failure("empty_image", 400, "none"))), request, MODEL)
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
    reply = render_failure(Failure("unknown_policy", 400, "no"))
    assert (reply.status, json.loads(reply.body)["error"]["code"]) == (400, "unknown_policy")


def test_min_confidence_adds_ranked_labels_and_hides_nothing():
    request = Request((Item(b"x"),), min_confidence=0.02)
    [result] = json.loads(render(Answer("default", "1", (VERDICT,)), request, MODEL).body)["results"]
    assert result["labels"] == [
        {"label": "porn", "score": 0.93},
        {"label": "sexy", "score": 0.04},
        {"label": "hentai", "score": 0.02},
    ]
    assert len(result["scores"]) == 5


def test_the_request_id_stands_in_answers_and_errors():
    answer = render(Answer("default", "1", (VERDICT,)), RAW, MODEL, "r-1")
    error = render_failure(Failure("empty_image", 400, "none"), "r-2")
    assert [json.loads(reply.body)["request_id"] for reply in (answer, error)] == ["r-1", "r-2"]


def test_an_explanation_stands_beside_the_results():
    explanation = Explanation("porn", ((0.0, 1.0), (0.5, 0.25)), "cG5n")
    content = json.loads(render(Answer("default", "1", (VERDICT,)), RAW, MODEL, explanation=explanation).body)
    assert content["explanation"] == {"target": "porn", "grid": [[0.0, 1.0], [0.5, 0.25]], "png_b64": "cG5n"}


def test_a_moderated_image_says_in_headers_what_was_decided():
    reply = render_moderated(b"jpeg", "image/jpeg", VERDICT)
    assert (reply.body, reply.content_type) == (b"jpeg", "image/jpeg")
    assert reply.headers == {"X-Moderation-Action": "blur", "X-Moderation-Label": "porn"}
