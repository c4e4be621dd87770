"""Request fields -> items, answers -> response bytes. Knows the contract of docs/api.md, no transport and no model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trust_nsfw.errors import InvalidRequest
from trust_nsfw.schema import Answer, Describe, Failure, Item, ModelInfo, Request, Result

JSON = "application/json"
MAX_REQUEST_ID_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class Reply:
    """One response: its body, its HTTP status and its content type."""

    body: bytes
    status: int = 200
    content_type: str = JSON


def parse(fields: Mapping[str, Any], headers: Mapping[str, Any]) -> Request | Describe:
    """Read one request: a raw body under the key `body`, options from headers of any case.

    Raises InvalidRequest when there is nothing to classify or the body is not an image's bytes.
    """
    options = {name.lower(): value for name, value in headers.items() if isinstance(value, str)}
    if options.get("describe") == "True":
        return Describe()
    if set(fields) != {"body"}:
        raise InvalidRequest("send one image's bytes as the body" if fields else "there is nothing to classify")
    return Request(items=(Item(_image_bytes(fields["body"])),), policy=options.get("x-policy"))


def request_id(headers: Mapping[str, Any]) -> str | None:
    """Return the caller's X-Request-Id when it can be echoed in a header, else None."""
    for name, value in headers.items():
        if name.lower() == "x-request-id" and isinstance(value, str):
            echoable = value.isascii() and value.isprintable() and len(value) <= MAX_REQUEST_ID_CHARACTERS
            return value if echoable else None
    return None


def render(answer: Answer | Failure, request: Request, model: ModelInfo) -> Reply:
    """Write the response of one request; a raw image that failed, or a refused request, is an error response."""
    if isinstance(answer, Failure):
        return render_failure(answer)
    only = answer.results[0]
    if not request.per_item and isinstance(only, Failure):
        return render_failure(only)
    results = [
        {"index": index, "id": item.id, **_result(result)}
        for index, (item, result) in enumerate(zip(request.items, answer.results, strict=True))
    ]
    policy = {"name": answer.policy_name, "version": answer.policy_version}
    return Reply(_json({"model": asdict(model), "policy": policy, "results": results}))


def render_failure(failure: Failure) -> Reply:
    """Write an error response."""
    return Reply(_json({"error": {"code": failure.code, "message": failure.message}}), failure.status)


def render_description(description: Mapping[str, Any]) -> Reply:
    """Write the answer to a describe request."""
    return Reply(_json(description))


def _result(result: Result) -> dict[str, Any]:
    if isinstance(result, Failure):
        return {"action": "error", "error": {"code": result.code, "message": result.message}}
    return {
        "action": result.decision.action,
        "label": result.scores.label,
        "scores": result.scores.classes(),
        "groups": result.scores.groups(),
        "reasons": [asdict(reason) for reason in result.decision.reasons],
        "image": asdict(result.image),
    }


def _image_bytes(body: Any) -> bytes:
    """Return the body's bytes; a server that decoded text on the way in gets it encoded again."""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    raise InvalidRequest(f"the body must be an image's bytes, not {type(body).__name__}")


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
