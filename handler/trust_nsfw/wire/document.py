"""The JSON body: {"images": [{"id": "a", "b64": "..."}], "policy": "strict", "min_confidence": 0.2}."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trust_nsfw.errors import InvalidRequest
from trust_nsfw.schema import Failure, Item
from trust_nsfw.wire.options import Options, checked_confidence
from trust_nsfw.wire.payload import from_base64, url_refused

MAX_ID_CHARACTERS = 128
KEYS = ("images", "policy", "min_confidence")
IMAGE_KEYS = ("id", "b64", "url")


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON body that was understood."""

    items: tuple[Item, ...]
    options: Options


def read(body: Any) -> Document:
    """Read a JSON body, already parsed by the server or still bytes.

    Raises InvalidRequest when it is not this document: malformed, a key unknown or of the wrong type, no images.
    What is wrong with one image's own base64 or URL is a Failure in its Item.
    """
    content = _parsed(body)
    _refuse_unknown_keys(content, KEYS, "the request")
    images = content.get("images")
    if not isinstance(images, list) or not images:
        raise InvalidRequest("images must be a list of at least one image")
    policy = content.get("policy")
    if policy is not None and not isinstance(policy, str):
        raise InvalidRequest("policy must be a string")
    options = Options(policy=policy, min_confidence=checked_confidence(content.get("min_confidence")))
    return Document(tuple(_item(image, index) for index, image in enumerate(images)), options)


def checked_id(value: Any) -> str | None:
    """Return an image's id, or None; raises InvalidRequest for another type or a longer text."""
    if value is None or (isinstance(value, str) and len(value) <= MAX_ID_CHARACTERS):
        return value
    raise InvalidRequest(f"an id is a string of at most {MAX_ID_CHARACTERS} characters")


def _parsed(body: Any) -> Mapping[str, Any]:
    if isinstance(body, str | bytes | bytearray):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            raise InvalidRequest("the body is not JSON") from None
    if not isinstance(body, Mapping):
        raise InvalidRequest("the body must be a JSON object")
    return body


def _item(image: Any, index: int) -> Item:
    if not isinstance(image, Mapping):
        raise InvalidRequest(f"images[{index}] must be an object with b64")
    _refuse_unknown_keys(image, IMAGE_KEYS, f"images[{index}]")
    if not isinstance(image.get("b64", ""), str):
        raise InvalidRequest(f"images[{index}].b64 must be a string")
    return Item(_payload(image), checked_id(image.get("id")))


def _payload(image: Mapping[str, Any]) -> bytes | Failure:
    """Return an image's bytes; of several things wrong, malformed base64 comes before a URL."""
    payload = from_base64(image["b64"]) if "b64" in image else None
    if isinstance(payload, Failure) or payload == b"":
        return payload
    if "url" in image:
        return url_refused()
    return Failure.of(InvalidRequest("an image needs b64")) if payload is None else payload


def _refuse_unknown_keys(content: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    if unknown := [key for key in content if key not in known]:
        raise InvalidRequest(f"unknown key {unknown[0][:64]!r} in {where}; known are {', '.join(known)}")
