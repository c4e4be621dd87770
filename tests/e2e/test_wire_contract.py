"""Every row of docs/api.md's formats and errors, over REST and over gRPC, on the real server."""

import json
from base64 import b64encode
from collections.abc import Iterator

import grpc
import pytest
import requests

import grpc_calls
import pictures
from answers import check_answer, check_error
from serving.torchserve_process import TorchServeProcess

PHOTO = pictures.encode(pictures.photo("chelsea.png"), "JPEG")
OTHER = pictures.encode(pictures.photo("coffee.png"), "PNG")
SCORE_TOLERANCE = 0.001


@pytest.fixture(scope="module")
def opened(server: TorchServeProcess) -> Iterator[grpc.Channel]:
    with grpc_calls.channel(server) as channel:
        yield channel


@pytest.fixture(autouse=True)
def the_same_worker(server: TorchServeProcess):
    before = server.worker_pids()
    yield
    assert server.worker_pids() == before


def document(*payloads: bytes, **options: object) -> dict:
    images = [{"id": f"image {index}", "b64": b64encode(payload).decode()} for index, payload in enumerate(payloads)]
    return {"images": images, **options}


def rest(
    server: TorchServeProcess, body: object = None, path: str = "predictions", **options: object
) -> requests.Response:
    url = f"{server.config.inference.url}/{path}/nsfw"
    if isinstance(body, bytes):
        options["headers"] = {"Content-Type": "application/octet-stream"} | options.get("headers", {})
        return requests.post(url, data=body, timeout=60, **options)
    return (
        requests.post(url, json=body, timeout=60, **options)
        if body is not None
        else requests.post(url, timeout=60, **options)
    )


def same_but_for_ids(left: dict, right: dict) -> bool:
    """Compare two answers, scores within the tolerance and everything else exactly."""
    if isinstance(left, dict) and isinstance(right, dict):
        keys = (set(left) | set(right)) - {"id", "request_id"}
        return all(key in left and key in right and same_but_for_ids(left[key], right[key]) for key in keys)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_but_for_ids, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return abs(left - right) <= SCORE_TOLERANCE
    return left == right


def test_the_same_image_has_the_same_answer_in_every_format(server, opened):
    answers = [
        rest(server, PHOTO).json(),
        rest(server, document(PHOTO)).json(),
        rest(server, files={"a": ("cat.jpg", PHOTO, "image/jpeg")}).json(),
        grpc_calls.predict(opened, data=PHOTO),
        grpc_calls.predict(opened, request=json.dumps(document(PHOTO)).encode()),
    ]
    for answer in answers:
        check_answer(answer)
        assert same_but_for_ids(answer, answers[0])
    assert [answer["results"][0]["id"] for answer in answers] == [None, "image 0", "a", None, "image 0"]


BAD = {
    "no bytes": (b"", 400, "empty_image"),
    "text": (b"hello", 415, "unsupported_format"),
    "an svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_format"),
    "a url": (b"https://example.org/cat.jpg", 403, "url_not_allowed"),
    "a bomb": (pictures.huge_png(), 413, "image_too_large"),
    "a torn photo": (pictures.truncated_jpeg(), 422, "corrupt_image"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_image_has_the_same_code_in_every_format(server, opened, name):
    payload, status, code = BAD[name]
    raw = rest(server, payload)
    assert (raw.status_code, check_error(raw.json())["code"]) == (status, code)
    assert check_error(grpc_calls.predict(opened, data=payload))["code"] == code
    per_item = [
        rest(server, document(PHOTO, payload, OTHER)),
        rest(server, files={"a": PHOTO, "b": ("b", payload), "c": OTHER}),
    ]
    assert [response.status_code for response in per_item] == [200, 200]
    answers = [response.json() for response in per_item]
    answers.append(grpc_calls.predict(opened, request=json.dumps(document(PHOTO, payload, OTHER)).encode()))
    for answer in answers:
        results = check_answer(answer)
        assert [result["action"] == "error" for result in results] == [False, True, False]
        assert results[1]["error"]["code"] == code


WRONG = {
    "no images": ({"images": []}, "invalid_request"),
    "an unknown key": (document(PHOTO) | {"thresholds": {}}, "invalid_request"),
    "an unknown key of an image": ({"images": [{"b64": "", "name": "x"}]}, "invalid_request"),
    "an id of 129 characters": ({"images": [{"b64": "", "id": "x" * 129}]}, "invalid_request"),
    "a confidence of two": (document(PHOTO, min_confidence=2), "invalid_request"),
    "an unknown policy": (document(PHOTO, policy="nope"), "unknown_policy"),
    "17 images": (document(*[b"x"] * 17), "too_many_images"),
    "17 images of an unknown policy": (document(*[b"x"] * 17, policy="nope"), "too_many_images"),
    "17 images and an unknown key": (document(*[b"x"] * 17, nope=1), "invalid_request"),
    "40 model inputs": (document(*[pictures.animated_gif(20)] * 5), "too_many_images"),
    "null": (None, "invalid_request"),
    "a list": ([1], "invalid_request"),
    "a string": ("images", "invalid_request"),
    "not a number": (float("nan"), "invalid_request"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_request_is_refused_as_a_whole_over_both_transports(server, opened, name):
    content, code = WRONG[name]
    body = json.dumps(content).encode()
    response = rest(server, body, headers={"Content-Type": "application/json"})
    assert response.status_code == (413 if code == "too_many_images" else 400)
    assert check_error(response.json())["code"] == code
    assert check_error(grpc_calls.predict(opened, request=body))["code"] == code


def test_options_work_by_header_body_and_grpc_key(server, opened):
    confident = {"X-Policy": "strict", "X-Min-Confidence": "0.01", "X-Request-Id": "r-9"}
    by_header = rest(server, PHOTO, headers=confident)
    by_body = rest(server, document(PHOTO, policy="strict", min_confidence=0.01))
    by_form = rest(server, files={"a": PHOTO}, data={"policy": "strict", "min_confidence": "0.01"})
    by_key = grpc_calls.predict(opened, data=PHOTO, policy=b"strict", min_confidence=b"0.01", request_id=b"r-9")
    answers = [by_header.json(), by_body.json(), by_form.json(), by_key]
    for answer in answers:
        [result] = check_answer(answer)
        assert answer["policy"]["name"] == "strict"
        assert result["labels"][0]["label"] == "neutral"
        assert all(entry["score"] >= 0.01 for entry in result["labels"])
    assert [answer.get("request_id") for answer in answers] == ["r-9", None, None, "r-9"]
    assert by_header.headers["X-Client-Request-Id"] == "r-9"


@pytest.mark.parametrize(
    "fields",
    [
        {"data": PHOTO, "request": b"{}"},
        {"data": PHOTO, "polcy": b"strict"},
        {"body": PHOTO},
        {"policy": b"strict"},
        {"data": PHOTO, "policy": b"\xff"},
        {"data": PHOTO, "min_confidence": b"nan"},
    ],
)
def test_wrong_grpc_keys_are_an_invalid_request(opened, fields):
    assert check_error(grpc_calls.predict(opened, **fields))["code"] == "invalid_request"


def test_a_lost_form_part_is_noticed(server):
    response = rest(server, files=[("a", PHOTO), ("a", OTHER)])
    assert (response.status_code, check_error(response.json())["code"]) == (400, "invalid_request")


def test_nothing_may_follow_the_version_in_the_path(server):
    url = f"{server.config.inference.url}/predictions/nsfw/1.0/strict"
    response = requests.post(url, PHOTO, headers={"Content-Type": "image/jpeg"}, timeout=60)
    assert (response.status_code, check_error(response.json())["code"]) == (400, "invalid_request")


def test_a_stream_of_predictions_ends_and_the_worker_survives(opened):
    answers = grpc_calls.predict_stream(opened, data=PHOTO)
    assert len(answers) == 1
    check_answer(answers[0])
    assert check_error(grpc_calls.predict_stream(opened, data=b"")[0])["code"] == "empty_image"


def test_a_body_over_the_limit_is_torchserves_own_413(server):
    assert rest(server, bytes(33 * 1024 * 1024)).status_code == 413
