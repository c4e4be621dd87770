"""What the clients raise: the service's own refusals, and what TorchServe or the network says in its place."""

import json
from typing import Any

from trust_nsfw import errors

LONGEST_QUOTE_CHARACTERS = 300


class ModerationError(errors.ServiceError):
    """Base of everything the clients raise: a stable `code`, the HTTP `status` of that code, a `message` for people."""

    @property
    def message(self) -> str:
        """What went wrong, in a sentence."""
        return str(self)


# The service's own codes. Each is also the class of the same name in trust_nsfw.errors.
class InvalidRequest(ModerationError, errors.InvalidRequest):
    """A request that the service cannot read, or an option that no request can carry."""


class EmptyImage(ModerationError, errors.EmptyImage):
    """No bytes where an image should be."""


class UnknownPolicy(ModerationError, errors.UnknownPolicy):
    """No policy of that name is loaded."""


class UrlNotAllowed(ModerationError, errors.UrlNotAllowed):
    """An image given by URL: fetch it yourself and send its bytes."""


class ImageTooLarge(ModerationError, errors.ImageTooLarge):
    """More pixels, or a longer side, than the limit."""


class TooManyImages(ModerationError, errors.TooManyImages):
    """One image with more sampled frames and backgrounds than a request may hold."""


class UnsupportedFormat(ModerationError, errors.UnsupportedFormat):
    """Not an image of an accepted format."""


class CorruptImage(ModerationError, errors.CorruptImage):
    """An accepted format, but it cannot be decoded."""


class InternalError(ModerationError, errors.InternalError):
    """A fault of the service."""


# What TorchServe, a proxy or this machine says instead of the service.
class RequestTooLarge(ModerationError):
    """More bytes than a request may have."""

    code = "request_too_large"
    status = 413


class Unauthorized(ModerationError):
    """No token, or one that the server does not accept (any more)."""

    code = "unauthorized"
    status = 400


class NotFound(ModerationError):
    """No model of that name or version is served there."""

    code = "not_found"
    status = 404


class NotSupported(ModerationError):
    """The transport cannot carry this: moderated images and explanations travel over REST only."""

    code = "not_supported"
    status = 501


class UnreadableImage(ModerationError):
    """A file that this machine cannot read."""

    code = "unreadable_image"
    status = 400


class Unavailable(ModerationError):
    """Base of the reasons that say nothing about the image: nobody scored it, a later call may."""

    code = "unavailable"
    status = 503


class Overloaded(Unavailable):
    """The queue is full, or no worker is there to serve it."""

    code = "overloaded"
    status = 503


class Unreachable(Unavailable):
    """Nobody listens there, here or behind a proxy, or the connection was lost before the answer was whole."""

    code = "unreachable"
    status = 502


class DeadlineExceeded(Unavailable):
    """No answer within `deadline_seconds`."""

    code = "timeout"
    status = 504


class BackendFailed(Unavailable):
    """The server failed, for example because its worker died."""

    code = "backend_failed"
    status = 500


class InvalidAnswer(BackendFailed):
    """An answer that is not the contract's: a result is missing, or belongs to another image."""

    code = "invalid_answer"
    status = 502


def _by_code(base: type[ModerationError]) -> dict[str, type[ModerationError]]:
    found = {base.code: base}
    for derived in base.__subclasses__():
        found |= _by_code(derived)
    return found


BY_CODE = _by_code(ModerationError)
BY_STATUS: dict[int, type[ModerationError]] = {
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    408: Unreachable,  # the request did not arrive in time
    413: RequestTooLarge,
    429: Overloaded,
    502: Unreachable,  # a proxy that reaches nobody, or hears nothing (504)
    503: Overloaded,
    504: Unreachable,
}


def of_code(code: str, message: str, status: int = BackendFailed.status) -> ModerationError:
    """Return the error of a code; a code that this client does not know yet keeps its name and `status`."""
    kind = BY_CODE.get(code)
    if kind is None:
        kind = type("UnknownCode", (ModerationError,), {"code": code, "status": status})
    return kind(message)


def of_answer(status: int, body: bytes) -> ModerationError | None:
    """Return the error in an answer: ours, TorchServe's own envelope, or whatever stands there; None for a result."""
    content = _json_object(body)
    match content.get("error"):
        case {"code": str(code), "message": str(message)}:
            return of_code(code, message, status)
    if status == 200:
        return None
    said = f"the server answered {status}: {content.get('message') or _quote(body)}"
    if content.get("type") == "InvalidKeyException":
        return Unauthorized(said)
    fallback = InvalidRequest if 400 <= status < 500 else BackendFailed
    return BY_STATUS.get(status, fallback)(said)


def _json_object(body: bytes) -> dict[str, Any]:
    """Return the body's JSON object; a picture, a proxy's page or nothing at all is an empty one."""
    if not body.lstrip().startswith(b"{"):
        return {}
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _quote(body: bytes) -> str:
    """Return the beginning of an unexpected answer on one line."""
    return " ".join(body[:LONGEST_QUOTE_CHARACTERS].decode(errors="replace").split()) or "nothing"
