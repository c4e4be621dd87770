"""What is not the contract's answer is an InvalidAnswer, whatever it is instead."""

import copy
import hashlib
import json

import pytest

from fake_service import FakeService
from trust_nsfw.client.answers import (
    read_description,
    read_explained,
    read_many,
    read_one,
    read_picture,
    read_readiness,
)
from trust_nsfw.client.batches import Entry
from trust_nsfw.client.calls import Reply
from trust_nsfw.client.errors import InvalidAnswer
from trust_nsfw.schema import Failure

PICTURE = b"a picture"


def answer() -> dict:
    return copy.deepcopy(FakeService().classify([(None, PICTURE)], {}, None, raw=True))


def reply(content: object) -> Reply:
    return Reply(json.dumps(content).encode())


def changed(path: str, value: object) -> dict:
    content = answer()
    *parents, last = path.split(".")
    inner = content
    for key in parents:
        inner = inner[int(key) if key.isdecimal() else key]
    if value is KeyError:
        del inner[last]
    else:
        inner[last] = value
    return content


def test_the_contracts_answer_is_a_verdict():
    assert read_one(reply(answer()), PICTURE).image.sha256 == hashlib.sha256(PICTURE).hexdigest()


def test_keys_that_came_later_are_ignored():
    content = changed("results.0.image.colour_space", "sRGB")
    content["model"]["family"] = "vit"
    content["results"][0]["reasons"][0]["weight"] = 1
    assert read_one(reply(content), PICTURE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("results", KeyError), ("results", None), ("results", []), ("results", {}), ("results", [None]),
        ("model", KeyError), ("model", []), ("model.sha256", KeyError), ("policy", None),
        ("results.0.index", 1), ("results.0.index", KeyError), ("results.0.id", "x"),
        ("results.0.action", "shrug"), ("results.0.action", "error"), ("results.0.action", KeyError),
        ("results.0.scores", None), ("results.0.scores.porn", KeyError), ("results.0.scores.porn", None),
        ("results.0.scores.porn", float("nan")), ("results.0.reasons", 7), ("results.0.reasons", [1]),
        ("results.0.labels", [1]), ("results.0.image", KeyError), ("results.0.image.sha256", "f" * 64),
    ],
)  # fmt: skip
def test_anything_missing_or_wrong_is_an_invalid_answer(path, value):
    with pytest.raises(InvalidAnswer):
        read_one(reply(changed(path, value)), PICTURE)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"[1]", b'"x"', b"{", b"\xff\xfe", b"<html>"])
def test_what_is_no_json_object_is_an_invalid_answer(body):
    for read in (read_one, read_explained):
        with pytest.raises(InvalidAnswer):
            read(Reply(body), PICTURE)
    if body != b"[1]":
        with pytest.raises(InvalidAnswer):
            read_description(Reply(body))


@pytest.mark.parametrize("description", [{}, {"workers": None}, {"workers": [7]}, {"workers": [{}]}])
def test_a_description_without_workers_is_an_invalid_answer(description):
    with pytest.raises(InvalidAnswer):
        read_readiness(reply([description]))


def test_a_failure_among_many_is_a_value_with_the_status_of_its_code():
    content = FakeService().classify([("a", PICTURE), ("b", b"corrupt")], {}, None, raw=False)
    verdict, failure = read_many(reply(content), [Entry(7, "a", PICTURE), Entry(8, "b", b"corrupt")])
    assert verdict.label
    assert failure == Failure("corrupt_image", 422, "corrupt_image")


@pytest.mark.parametrize("explanation", [None, {}, {"target": "porn", "grid": 1, "png_b64": ""}, {"png_b64": "%"}])
def test_an_explanation_that_is_none_is_an_invalid_answer(explanation):
    with pytest.raises(InvalidAnswer):
        read_explained(reply(answer() | {"explanation": explanation}), PICTURE)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "application/json"},
        {"content-type": "image/png"},
        {"content-type": "image/png", "x-moderation-action": "shrug", "x-moderation-label": "porn"},
        {"content-type": "image/png", "x-moderation-action": "blur"},
    ],
)
def test_a_picture_without_its_action_is_an_invalid_answer(headers):
    with pytest.raises(InvalidAnswer):
        read_picture(Reply(b"\x89PNG", headers=headers), PICTURE)
