"""The wire contract's JSON -> values. Keys that this client does not know yet are ignored; missing ones never are."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from trust_nsfw.client.batches import Entry
from trust_nsfw.client.calls import Reply
from trust_nsfw.client.errors import InvalidAnswer, ModerationError, of_code
from trust_nsfw.client.results import (
    ExplainedVerdict,
    LabelScore,
    ModeratedPicture,
    PolicyInfo,
    RemoteVerdict,
)
from trust_nsfw.schema import LABELS, Action, Decision, Explanation, Failure, ImageInfo, ModelInfo, Reason, Scores


def read_one(reply: Reply, payload: bytes) -> RemoteVerdict:
    """Return the verdict on one raw image. Raises InvalidAnswer, or the error that stands in its place."""
    [result] = read_many(reply, [Entry(0, None, payload)])
    if isinstance(result, Failure):
        raise of_code(result.code, result.message, result.status)
    return result


def read_many(reply: Reply, entries: Sequence[Entry]) -> list[RemoteVerdict | Failure]:
    """Return one result per image, in order. Raises InvalidAnswer when one is missing or belongs to another image."""
    content = _content(reply)
    try:
        results = content["results"]
        if len(results) != len(entries):
            raise InvalidAnswer(f"{len(entries)} images were sent, {len(results)} results came back")
        return [
            _result(content, result, index, entry)
            for index, (result, entry) in enumerate(zip(results, entries, strict=True))
        ]
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise _unlike_the_contract(error) from error


def read_explained(reply: Reply, payload: bytes) -> ExplainedVerdict:
    """Return the verdict on one raw image and its explanation. Raises as read_one does."""
    verdict = read_one(reply, payload)
    try:
        explanation = _content(reply)["explanation"]
        rows = tuple(tuple(float(value) for value in row) for row in explanation["grid"])
        base64.b64decode(explanation["png_b64"], validate=True)
        return ExplainedVerdict(verdict, Explanation(str(explanation["target"]), rows, explanation["png_b64"]))
    except (LookupError, TypeError, ValueError) as error:
        raise _unlike_the_contract(error) from error


def read_picture(reply: Reply, payload: bytes) -> ModeratedPicture:
    """Return the moderated image of a payload. Raises InvalidAnswer for anything but a picture and its action."""
    content_type = reply.headers.get("content-type", "")
    if not content_type.startswith("image/") or not reply.body:
        raise InvalidAnswer(f"a picture was asked for, {content_type or 'nothing'} came back")
    try:
        action = Action(reply.headers["x-moderation-action"])
        return ModeratedPicture(reply.body, content_type, action, reply.headers["x-moderation-label"])
    except (LookupError, ValueError) as error:
        raise _unlike_the_contract(error) from error


def read_description(reply: Reply) -> dict[str, Any]:
    """Return TorchServe's description of the model; the service's own is under `customizedMetadata`."""
    try:
        [description] = json.loads(reply.body)
        return dict(description)
    except (TypeError, ValueError) as error:
        raise _unlike_the_contract(error) from error


def read_readiness(reply: Reply) -> bool:
    """Return whether TorchServe's description of the model names a worker that is ready."""
    try:
        return any(worker["status"] == "READY" for worker in read_description(reply)["workers"])
    except (LookupError, TypeError) as error:
        raise _unlike_the_contract(error) from error


def _content(reply: Reply) -> dict[str, Any]:
    try:
        return dict(json.loads(reply.body))
    except (TypeError, ValueError) as error:
        raise _unlike_the_contract(error) from error


def _result(content: Mapping[str, Any], result: Mapping[str, Any], index: int, entry: Entry) -> RemoteVerdict | Failure:
    if (result["index"], result["id"]) != (index, entry.id):
        raise InvalidAnswer(f"result {index} is that of image {result['index']}, id {result['id']!r:.64}")
    if result["action"] == "error":
        return Failure.of(of_code(result["error"]["code"], result["error"]["message"]))
    verdict = _verdict(content, result)
    if verdict.image.sha256 != hashlib.sha256(entry.payload).hexdigest():
        raise InvalidAnswer(f"result {index} is that of another image: its sha256 is {verdict.image.sha256:.64}")
    return verdict


def _verdict(content: Mapping[str, Any], result: Mapping[str, Any]) -> RemoteVerdict:
    probabilities = {label: float(result["scores"][label]) for label in LABELS}
    if not all(math.isfinite(value) for value in probabilities.values()):
        raise InvalidAnswer("a score is not a number")
    reasons = tuple(Reason(**_only(Reason, reason)) for reason in result["reasons"])
    labels = result.get("labels")
    return RemoteVerdict(
        scores=Scores(**probabilities),
        decision=Decision(Action(result["action"]), reasons),
        image=ImageInfo(**_only(ImageInfo, result["image"])),
        model=ModelInfo(**_only(ModelInfo, content["model"])),
        policy=PolicyInfo(**_only(PolicyInfo, content["policy"])),
        labels=None if labels is None else tuple(LabelScore(**_only(LabelScore, entry)) for entry in labels),
        request_id=content.get("request_id"),
    )


def _only(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that a dataclass has fields for; a newer service may say more."""
    return {name: values[name] for name in (field.name for field in fields(kind)) if name in values}


def _unlike_the_contract(error: Exception) -> ModerationError:
    return InvalidAnswer(f"the answer is not the contract's: {type(error).__name__}: {error}")
