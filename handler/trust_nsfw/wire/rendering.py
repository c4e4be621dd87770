"""Answers -> response bytes, statuses and content types. One JSON shape for every transport."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from trust_nsfw.schema import Answer, Explanation, Failure, ModelInfo, Request, Result, Scores, Verdict

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """One response: its body, its HTTP status, its content type and further headers."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


def render(
    answer: Answer,
    request: Request,
    model: ModelInfo,
    request_id: str | None = None,
    explanation: Explanation | None = None,
) -> Reply:
    """Write the answer of one request; a raw image that failed is an error response."""
    only = answer.results[0]
    if not request.per_item and isinstance(only, Failure):
        return render_failure(only, request_id)
    content = {
        "model": asdict(model),
        "policy": {"name": answer.policy_name, "version": answer.policy_version},
        "results": [
            {"index": index, "id": item.id, **_result(result, request.min_confidence)}
            for index, (item, result) in enumerate(zip(request.items, answer.results, strict=True))
        ],
    }
    if explanation is not None:
        content["explanation"] = asdict(explanation)
    return Reply(_json(content, request_id))


def render_moderated(body: bytes, content_type: str, verdict: Verdict) -> Reply:
    """Write a moderated image, with what was decided in its headers."""
    headers = {"X-Moderation-Action": str(verdict.decision.action), "X-Moderation-Label": verdict.scores.label}
    return Reply(body, content_type=content_type, headers=headers)


def render_failure(failure: Failure, request_id: str | None = None) -> Reply:
    """Write an error response."""
    return Reply(_json({"error": _error(failure)}, request_id), failure.status)


def render_description(description: Mapping[str, Any]) -> Reply:
    """Write the answer to a describe request."""
    return Reply(_json(description, None))


def _result(result: Result, min_confidence: float | None) -> dict[str, Any]:
    if isinstance(result, Failure):
        return {"action": "error", "error": _error(result)}
    labels = {} if min_confidence is None else {"labels": _ranked(result.scores, min_confidence)}
    return {
        "action": result.decision.action,
        "label": result.scores.label,
        "scores": result.scores.classes(),
        "groups": result.scores.groups(),
        "reasons": [asdict(reason) for reason in result.decision.reasons],
        **labels,
        "image": asdict(result.image),
    }


def _ranked(scores: Scores, min_confidence: float) -> list[dict[str, Any]]:
    """Return the classes at or above a confidence, most probable first."""
    ranked = sorted(scores.classes().items(), key=lambda entry: -entry[1])
    return [{"label": label, "score": score} for label, score in ranked if score >= min_confidence]


def _error(failure: Failure) -> dict[str, str]:
    return {"code": failure.code, "message": failure.message}


def _json(content: Mapping[str, Any], request_id: str | None) -> bytes:
    echoed = {} if request_id is None else {"request_id": request_id}
    return json.dumps({**content, **echoed}, separators=(",", ":"), allow_nan=False).encode()
