"""One image's bytes as they arrive, or the failure that is plain before anything is decoded."""

import base64
import binascii
import re
from typing import Any

from trust_nsfw.errors import InvalidRequest, UrlNotAllowed
from trust_nsfw.schema import Failure

URL = re.compile(rb"\s*[a-z][a-z0-9+.-]{1,15}://", re.IGNORECASE)
MAX_URL_BYTES = 8_192


def payload_or_failure(body: Any) -> bytes | Failure:
    """Return bytes as they are (text that the server decoded is encoded again), or UrlNotAllowed for a URL.

    Raises InvalidRequest for what is neither bytes nor text.
    """
    if not isinstance(body, str | bytes | bytearray | memoryview):
        raise InvalidRequest(f"expected an image's bytes, found {type(body).__name__}")
    payload = body.encode(errors="surrogatepass") if isinstance(body, str) else bytes(body)
    if len(payload) <= MAX_URL_BYTES and URL.match(payload):
        return url_refused()
    return payload


def from_base64(text: str) -> bytes | Failure:
    """Decode standard base64, line breaks allowed; InvalidRequest as a value where it is malformed."""
    try:
        return payload_or_failure(base64.b64decode("".join(text.split()), validate=True))
    except (binascii.Error, ValueError):
        hint = "; leave out the data: prefix" if text[:5].lower() == "data:" else ""
        return Failure.of(InvalidRequest(f"b64 is not base64{hint}"))


def url_refused() -> Failure:
    """Return the failure of an image given by URL."""
    return Failure.of(UrlNotAllowed("the service fetches nothing: send the image's bytes instead of its URL"))
