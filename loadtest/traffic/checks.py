"""What an answer is worth: every one is held against the wire contract and against what was sent."""

import json

from traffic.call import Call, ExpectedImage, Judgement, Kind, Outcome, Reply
from traffic.moderated_checks import problem_of_picture
from traffic.references import References
from traffic.result_checks import Asked, problem_of_results
from traffic.torchserve_errors import is_failure, is_refusal
from trust_nsfw import errors
from trust_nsfw.client.errors import BackendFailed, Overloaded

STATUS_OF = {
    kind.code: kind.status
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.ServiceError)
}
"""Each stable code's HTTP status."""
DEFAULTS = Asked()
EXCERPT_CHARACTERS = 160


def judge(
    call: Call, reply: Reply, latency_ms: float, deadline_ms: float, references: References, *, asked: Asked = DEFAULTS
) -> Judgement:
    """Judge a whole answer."""
    if is_refusal(call, reply):
        return Judgement(Outcome.REFUSED, _excerpt(reply.body), Overloaded.code)
    if is_failure(reply):
        return Judgement(Outcome.FAILED, _excerpt(reply.body), BackendFailed.code)
    expected = call.images[0].error if call.kind is Kind.BAD else None
    try:
        problem = _problem_of(call, reply, references, asked)
    except (ValueError, LookupError, TypeError, AttributeError):
        problem = f"not the shape of an answer: {_excerpt(reply.body)}"
    if problem is not None:
        return Judgement(Outcome.WRONG, problem, _error_code(reply.body))
    if latency_ms > deadline_ms:
        return Judgement(Outcome.LATE, f"answered later than {deadline_ms:g} ms", expected or "")
    return Judgement(Outcome.RIGHT) if expected is None else Judgement(Outcome.EXPECTED_ERROR, "", expected)


def _problem_of(call: Call, reply: Reply, references: References, asked: Asked) -> str | None:
    if call.kind is Kind.BAD:
        return _problem_of_refused_file(call.images[0], reply)
    if reply.code not in ("200", "OK"):
        return f"{reply.code}: {_excerpt(reply.body)}"
    match call.kind:
        case Kind.HEALTH:
            return None if json.loads(reply.body) == {"status": "Healthy"} else f"health: {_excerpt(reply.body)}"
        case Kind.MODERATED:
            return problem_of_picture(call.images[0], reply, references, asked.policy)
        case _:
            return problem_of_results(call, json.loads(reply.body), references, asked)


def _problem_of_refused_file(image: ExpectedImage, reply: Reply) -> str | None:
    """Over gRPC the call succeeds and the body says it all; over REST the status is the code's own."""
    assert image.error is not None, "a bad file has a code"
    if reply.code not in ("OK", str(STATUS_OF[image.error])):
        return f"{reply.code} where a bad file must get {STATUS_OF[image.error]}: {_excerpt(reply.body)}"
    if (found := json.loads(reply.body)["error"]["code"]) != image.error:
        return f"{found} where a bad file must get {image.error}"
    return None


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
