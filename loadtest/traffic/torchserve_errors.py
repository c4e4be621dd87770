"""What TorchServe itself says in the place of an answer: that its queue is full, or that it failed."""

import json
import re

from traffic.call import Call, Kind, Reply
from trust_nsfw.client.no_worker import says_no_worker

QUEUE_IS_FULL = "ServiceUnavailableException"
"""The type in its envelope of that 503; it says 503 too when a handler returns a list of the wrong length."""

FAILED_CODES = ("INTERNAL", "UNAVAILABLE", "UNKNOWN")
"""gRPC's statuses of what it answers over REST with 500, 503 and 507."""
EXCEPTION_AT_END = re.compile(r"\b(?!\w*NotFoundException)[A-Z]\w*Exception\s*$")
"""The exception's class, which it puts behind the details of a failed call; a model that is not there is no failure."""


def is_refusal(call: Call, reply: Reply) -> bool:
    """Whether the full queue refused a request; no queue stands before the health check."""
    if call.kind is Kind.HEALTH:
        return False
    if reply.code == "INTERNAL":
        return says_no_worker(_text(reply))
    return reply.status == 503 and _exception_of(reply) == QUEUE_IS_FULL


def is_failure(reply: Reply) -> bool:
    """Whether TorchServe failed: a worker died, a handler raised, or returned too few answers."""
    if reply.code in FAILED_CODES:
        return names_exception(_text(reply))
    return reply.status >= 500 and _exception_of(reply) not in (None, QUEUE_IS_FULL)


def names_exception(details: str) -> bool:
    """Tell TorchServe's own failure from gRPC's, by the details: a connection that failed has no Java class behind."""
    return EXCEPTION_AT_END.search(details) is not None


def _exception_of(reply: Reply) -> str | None:
    """Return the type in TorchServe's envelope, {"code", "type", "message"}; None for any other body."""
    try:
        match json.loads(reply.body):
            case {"code": int(), "type": str(name), "message": str()}:
                return name
    except ValueError:
        pass
    return None


def _text(reply: Reply) -> str:
    return reply.body.decode(errors="replace")
