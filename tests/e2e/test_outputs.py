"""Moderated images and explanations, alone and mixed with everything else, on the real server."""

import json
import random
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
import requests
from PIL import Image

import grpc_calls
import pictures
from answers import check_answer, check_error
from serving.torchserve_process import TorchServeProcess

PHOTO = pictures.encode(pictures.photo("chelsea.png"), "JPEG", exif=b"Exif\0\0MM\0*SECRET-PLACE")
BAD = {
    b"": (400, "empty_image"),
    b"no image": (415, "unsupported_format"),
    pictures.truncated_jpeg(): (422, "corrupt_image"),
    b"https://example.org/x.png": (403, "url_not_allowed"),
}
REQUESTS, PARALLEL = 500, 32


def post(server: TorchServeProcess, payload: bytes, path: str = "predictions", **headers: str) -> requests.Response:
    url = f"{server.config.inference.url}/{path}/nsfw"
    return requests.post(url, payload, headers={"Content-Type": "application/octet-stream", **headers}, timeout=300)


@pytest.fixture(autouse=True)
def the_same_worker(server: TorchServeProcess):
    before = server.worker_pids()
    yield
    assert server.worker_pids() == before


def test_a_moderated_photo_comes_back_as_an_image_with_the_decision_in_its_headers(server):
    response = post(server, PHOTO, Accept="image/*")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/jpeg")
    assert (response.headers["X-Moderation-Action"], response.headers["X-Moderation-Label"]) == ("allow", "neutral")
    assert b"SECRET-PLACE" not in response.content
    with Image.open(BytesIO(response.content)) as image:
        assert image.size == pictures.photo("chelsea.png").size


def test_what_a_policy_blurs_is_blurred_on_the_wire(server):
    cell = pictures.photo("cell.png")  # a micrograph, which the starter takes for porn
    response = post(server, pictures.encode(cell, "PNG"), Accept="image/*", **{"X-Policy": "strict"})
    assert response.headers["X-Moderation-Action"] == "blur"
    with Image.open(BytesIO(response.content)) as image:
        assert image.size == cell.size
        assert _detail(image) < _detail(cell) / 5


def _detail(image: Image.Image) -> float:
    """Return the mean difference of neighbouring pixels, in levels of 255."""
    grey = np.asarray(image.convert("L")).astype(float)
    return float(np.abs(np.diff(grey)).mean())


@pytest.mark.parametrize("payload", BAD)
def test_an_image_that_fails_is_json_whatever_was_asked_for(server, payload):
    for response in (post(server, payload, Accept="image/*"), post(server, payload, "explanations")):
        assert (response.status_code, check_error(response.json())["code"]) == BAD[payload]


def test_an_explanation_names_its_target_and_shows_where(server):
    answer = post(server, PHOTO, "explanations").json()
    [result] = check_answer(answer)
    explanation = answer["explanation"]
    assert explanation["target"] == result["label"]
    assert (len(explanation["grid"]), {len(row) for row in explanation["grid"]}) == (14, {14})
    assert max(map(max, explanation["grid"])) == 1
    with Image.open(BytesIO(b64decode(explanation["png_b64"]))) as image:
        assert (image.format, image.size) == ("PNG", pictures.photo("chelsea.png").size)


def test_one_image_of_json_may_be_moderated_or_explained_and_two_may_not(server):
    url = f"{server.config.inference.url}/%s/nsfw"
    one = {"images": [{"id": "a", "b64": b64encode(PHOTO).decode()}]}
    two = {"images": one["images"] * 2}
    assert requests.post(url % "explanations", json=one, timeout=300).json()["results"][0]["id"] == "a"
    moderated = requests.post(url % "predictions", json=one, headers={"Accept": "image/*"}, timeout=300)
    assert moderated.headers["Content-Type"] == "image/jpeg"
    refused = [
        requests.post(url % "explanations", json=two, timeout=300),
        requests.post(url % "predictions", json=two, headers={"Accept": "image/*"}, timeout=300),
        post(server, PHOTO, "explanations", Accept="image/*"),
    ]
    for response in refused:
        assert (response.status_code, check_error(response.json())["code"]) == (400, "invalid_request")


def test_500_mixed_requests_32_at_a_time_each_get_their_own_right_answer(server):
    dice = random.Random(7)
    photos = {seed: pictures.encode(pictures.picture(seed, 160, 120), "JPEG") for seed in range(40)}
    expected = {seed: post(server, photo).json()["results"][0] for seed, photo in photos.items()}
    assert len({result["image"]["sha256"] for result in expected.values()}) == len(photos)
    moderated = {seed: post(server, photo, Accept="image/*").content for seed, photo in photos.items()}
    assert len(set(moderated.values())) == len(photos)
    kinds = ["raw"] * 8 + ["json"] * 3 + ["form", "grpc", "grpc json"] + ["moderated"] * 4 + ["explained"]
    plan = [
        (
            dice.choice(kinds),
            dice.choice(list(BAD)) if dice.random() < 0.2 else dice.choice(list(photos)),
            f"request {index}",
        )
        for index in range(REQUESTS)
    ]
    assert {kind for kind, _, _ in plan} == set(kinds)

    def ask(task: tuple[str, int | bytes, str]) -> None:
        kind, subject, name = task
        payload = subject if isinstance(subject, bytes) else photos[subject]
        answer, status = _ask(server, opened, kind, payload, name)
        if isinstance(subject, bytes):
            code = answer["results"][0]["error"]["code"] if "results" in answer else check_error(answer)["code"]
            assert code == BAD[subject][1], task
            assert status in (BAD[subject][0], 200), task
        elif kind == "moderated":
            assert answer["body"] == moderated[subject], task
            assert (answer["action"], answer["label"]) == (expected[subject]["action"], expected[subject]["label"]), (
                task
            )
        else:
            [result] = check_answer(answer)
            assert result["image"] == expected[subject]["image"], task
            assert result["scores"] == pytest.approx(expected[subject]["scores"], abs=0.001), task
            assert ("explanation" in answer) == (kind == "explained"), task
            assert answer["request_id"] == name if kind in {"raw", "grpc", "explained"} else result["id"] == name, task

    with grpc_calls.channel(server) as opened, ThreadPoolExecutor(PARALLEL) as pool:
        for _ in pool.map(ask, plan):
            continue


def _ask(
    server: TorchServeProcess, opened: object, kind: str, payload: bytes, name: str
) -> tuple[dict[str, object], int]:
    """Send one image one way; returns its answer, its status, and of a moderated image its bytes and headers."""
    document = {"images": [{"id": name, "b64": b64encode(payload).decode()}]}
    if kind == "grpc":
        return grpc_calls.predict(opened, data=payload, request_id=name.encode()), 200
    if kind == "grpc json":
        return grpc_calls.predict(opened, request=json.dumps(document).encode()), 200
    url = f"{server.config.inference.url}/predictions/nsfw"
    if kind == "json":
        response = requests.post(url, json=document, timeout=300)
    elif kind == "form":
        response = requests.post(url, files={name: payload}, timeout=300)
    elif kind == "explained":
        response = post(server, payload, "explanations", **{"X-Request-Id": name})
    else:
        accept = {"Accept": "image/*"} if kind == "moderated" else {}
        response = post(server, payload, **{"X-Request-Id": name}, **accept)
    assert response.headers.get("X-Client-Request-Id") == (name if kind in {"raw", "moderated", "explained"} else None)
    if kind == "moderated" and response.status_code == 200:
        action, label = response.headers["X-Moderation-Action"], response.headers["X-Moderation-Label"]
        return {"action": action, "label": label, "body": response.content}, 200
    return response.json(), response.status_code
