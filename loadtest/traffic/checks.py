"""What an answer is worth: every one is held against the wire contract and against what was sent."""

import json
from collections.abc import Mapping
from typing import Any

from measuring.answers import problem_of_action
from traffic.call import Call, ExpectedImage, Judgement, Kind, Outcome, Reply
from traffic.references import References
from traffic.torchserve_errors import is_failure, is_refusal
from trust_nsfw import errors
from trust_nsfw.client.errors import BackendFailed, Overloaded
from trust_nsfw.schema import LABELS, Action

STATUS_OF = {
    kind.code: kind.status
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.ServiceError)
}
"""Each stable code's HTTP status."""
SUM_TOLERANCE = 3e-6 + 1e-9  # the contract's, and what adding floats loses
LABEL_SET = frozenset(LABELS)
ACTIONS = frozenset(Action)
MAGIC = {
    "image/jpeg": (0, b"\xff\xd8\xff"),
    "image/png": (0, b"\x89PNG\r\n\x1a\n"),
    "image/webp": (8, b"WEBP"),
    "image/gif": (0, b"GIF8"),
}
"""How a body of each type that moderated images have begins: offset and bytes."""
PNG_IN_BASE64 = "iVBORw0KGgo"
EXCERPT_CHARACTERS = 160


def judge(
    call: Call, reply: Reply, latency_ms: float, deadline_ms: float, references: References, *, policy: str = ""
) -> Judgement:
    """Judge a whole answer. `policy` is the one asked for, "" for the service's default."""
    if is_refusal(call, reply):
        return Judgement(Outcome.REFUSED, _excerpt(reply.body), Overloaded.code)
    if is_failure(reply):
        return Judgement(Outcome.FAILED, _excerpt(reply.body), BackendFailed.code)
    expected = call.images[0].error if call.kind is Kind.BAD else None
    try:
        problem = _problem_of(call, reply, references, policy)
    except (ValueError, LookupError, TypeError, AttributeError):
        problem = f"not the shape of an answer: {_excerpt(reply.body)}"
    if problem is not None:
        return Judgement(Outcome.WRONG, problem, _error_code(reply.body))
    if latency_ms > deadline_ms:
        return Judgement(Outcome.LATE, f"answered later than {deadline_ms:g} ms", expected or "")
    return Judgement(Outcome.RIGHT) if expected is None else Judgement(Outcome.EXPECTED_ERROR, "", expected)


def _problem_of(call: Call, reply: Reply, references: References, policy: str) -> str | None:
    if call.kind is Kind.BAD:
        return _problem_of_refused_file(call.images[0], reply)
    if reply.code not in ("200", "OK"):
        return f"{reply.code}: {_excerpt(reply.body)}"
    match call.kind:
        case Kind.HEALTH:
            return None if json.loads(reply.body) == {"status": "Healthy"} else f"health: {_excerpt(reply.body)}"
        case Kind.MODERATED:
            return _problem_of_picture(call.images[0], reply, references)
        case _:
            return _problem_of_results(call, json.loads(reply.body), references, policy)


def _problem_of_refused_file(image: ExpectedImage, reply: Reply) -> str | None:
    """Over gRPC the call succeeds and the body says it all; over REST the status is the code's own."""
    assert image.error is not None, "a bad file has a code"
    if reply.code not in ("OK", str(STATUS_OF[image.error])):
        return f"{reply.code} where a bad file must get {STATUS_OF[image.error]}: {_excerpt(reply.body)}"
    if (found := json.loads(reply.body)["error"]["code"]) != image.error:
        return f"{found} where a bad file must get {image.error}"
    return None


def _problem_of_picture(image: ExpectedImage, reply: Reply, references: References) -> str | None:
    kind, headers = reply.headers.get("content-type", "nothing"), reply.headers
    offset, beginning = MAGIC.get(kind, (0, b""))
    if not beginning or not reply.body.startswith(beginning, offset):
        return f"no picture of a known type: {kind} that begins with {reply.body[:12]!r}"
    action, label = headers.get("x-moderation-action"), headers.get("x-moderation-label")
    if action not in ACTIONS or label not in LABEL_SET:
        return f"a moderated picture of action {action} and label {label}"
    if (best := references.best_of(image.key)) not in (None, label):
        return f"a moderated picture of label {label}; its best score is that of {best}"
    return None


def _problem_of_results(call: Call, answer: Any, references: References, policy: str) -> str | None:
    if "results" not in answer:
        return f"no results: {answer.get('error')}"
    results, decided = answer["results"], answer["policy"]
    if len(results) != len(call.images):
        return f"{len(results)} results for {len(call.images)} images"
    if policy not in ("", decided["name"]):
        return f"decided by policy {decided['name']}, asked for was {policy}"
    for index, (result, image) in enumerate(zip(results, call.images, strict=True)):
        if problem := _problem_of_result(index, result, image, decided, references):
            return f"result {index}: {problem}"
    return _problem_of_explanation(answer["explanation"]) if call.kind is Kind.EXPLANATION else None


def _problem_of_result(
    index: int, result: Any, image: ExpectedImage, policy: Mapping[str, str], references: References
) -> str | None:
    if (result["index"], result["id"]) != (index, image.id):
        return f"index {result['index']} and id {result['id']}, sent was {image.id}"
    if image.error is not None or result["action"] == "error":
        found = result["error"]["code"] if result["action"] == "error" else result["action"]
        return None if found == image.error else f"{found}, expected {image.error or 'scores'}"
    if result["image"]["sha256"] != image.sha256:
        return "an answer for another image, by its sha256"
    scores = result["scores"]
    return (
        _problem_of_scores(scores, result["label"])
        or references.problem_of(image.key, scores)
        or problem_of_action(result["action"], scores, policy["name"], policy["version"])
    )


def _problem_of_scores(scores: Mapping[str, float], label: str) -> str | None:
    if scores.keys() != LABEL_SET:
        return f"labels {sorted(scores)}, expected {sorted(LABELS)}"
    if not all(0 <= score <= 1 for score in scores.values()):  # a NaN is neither
        return f"no probabilities: {scores}"
    if abs(sum(scores.values()) - 1) > SUM_TOLERANCE:
        return f"the probabilities sum to {sum(scores.values()):.6f}"
    if label not in LABEL_SET or scores[label] != max(scores.values()):
        return f"the label is {label}, which has not the best score"
    return None


def _problem_of_explanation(explanation: Any) -> str | None:
    rows = explanation["grid"]
    if not isinstance(explanation["target"], str) or not rows or len({len(row) for row in rows}) != 1:
        return "an explanation without a target, or whose grid has no equal rows"
    if not all(0 <= cell <= 1 for row in rows for cell in row):
        return "an explanation whose grid leaves 0 to 1"
    return None if explanation["png_b64"].startswith(PNG_IN_BASE64) else "an explanation without a PNG"


def _error_code(body: bytes) -> str:
    """Return the service's stable code in an answer, "" where there is none."""
    if not body.startswith(b'{"error"'):
        return ""
    try:
        code = json.loads(body)["error"]["code"]
    except (ValueError, LookupError, TypeError):
        return ""
    return str(code)


def _excerpt(body: bytes) -> str:
    return " ".join(body[:EXCERPT_CHARACTERS].decode(errors="replace").split()) or "an empty answer"
