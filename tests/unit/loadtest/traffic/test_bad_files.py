"""Every code is what the service itself makes of the file, through the same steps as a request's."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from traffic.bad_files import bad_files
from trust_nsfw.errors import ServiceError
from trust_nsfw.images import decode
from trust_nsfw.schema import Failure, Request
from trust_nsfw.settings import Limits
from trust_nsfw.wire.parsing import parse

FILES = bad_files(0)
LIMITS = Limits()
MODEL_SIDES = (224, 224)


def raw(file: Any) -> Request:
    body = bytearray(file.payload)
    return parse({"body": body}, {"Content-Type": file.media_type, "Content-Length": str(len(body))})


def in_json(file: Any) -> Request:
    document = {"images": [{"id": "a", "b64": base64.b64encode(file.payload).decode()}]}
    return parse({"body": document}, {"Content-Type": "application/json"})


def over_grpc(file: Any) -> Request:
    return parse({"data": bytearray(file.payload)}, {})


def json_over_grpc(file: Any) -> Request:
    document = {"images": [{"b64": base64.b64encode(file.payload).decode()}]}
    return parse({"request": json.dumps(document).encode()}, {})


def code_of(request: Request, at_least: tuple[int, int] | None) -> str:
    [item] = request.items
    if isinstance(item.payload, Failure):
        return item.payload.code
    try:
        for _ in decode(item.payload, LIMITS, at_least).views:
            pass
    except ServiceError as error:
        return error.code
    return "image"


@pytest.mark.parametrize("at_least", [None, MODEL_SIDES], ids=["whole", "shrunk"])
@pytest.mark.parametrize("sent", [raw, in_json, over_grpc, json_over_grpc], ids=lambda sent: sent.__name__)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_bad_file_gets_its_code(file: Any, sent: Callable[[Any], Request], at_least: tuple[int, int] | None):
    assert code_of(sent(file), at_least) == file.error


def test_every_code_that_a_single_image_can_get_is_among_them():
    wanted = {"corrupt_image", "image_too_large", "empty_image", "unsupported_format", "url_not_allowed"}
    assert {file.error for file in FILES} == wanted


def test_they_are_the_same_for_the_same_seed_and_their_names_differ():
    assert bad_files(0) == FILES
    assert bad_files(1) != FILES
    assert len({file.name for file in FILES}) == len(FILES)


def test_no_media_type_makes_torchserve_decode_or_refuse_the_body_itself():
    assert all(file.media_type.startswith("image/") for file in FILES)
