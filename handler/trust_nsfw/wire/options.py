"""What a request may ask beside its images: policy, min_confidence, request_id, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from trust_nsfw.errors import InvalidRequest
from trust_nsfw.schema import Item, Output, Request

MAX_REQUEST_ID_CHARACTERS = 128
HEADERS = {"x-policy": "policy", "x-min-confidence": "min_confidence", "x-request-id": "request_id"}


@dataclass(frozen=True, slots=True)
class Options:
    """Options of one request; None where it does not say."""

    policy: str | None = None
    min_confidence: float | None = None
    request_id: str | None = None

    @classmethod
    def of_headers(cls, http: Mapping[str, str]) -> "Options":
        """Read them from HTTP headers whose names are in lower case."""
        return cls.of_texts({name: http[header] for header, name in HEADERS.items() if header in http})

    @classmethod
    def of_texts(cls, values: Mapping[str, str]) -> "Options":
        """Read them from texts; raises InvalidRequest for a number that is none and an id that can't be echoed."""
        confidence = values.get("min_confidence")
        try:
            number = None if confidence is None else float(confidence)
        except ValueError:
            raise InvalidRequest(f"min_confidence {confidence!r:.64} is not a number") from None
        return cls(values.get("policy"), checked_confidence(number), checked_request_id(values.get("request_id")))

    def merged(self, other: "Options") -> "Options":
        """Return both together; raises InvalidRequest when both say the same thing."""
        names = [field.name for field in fields(self)]
        if twice := [name for name in names if None not in (getattr(self, name), getattr(other, name))]:
            raise InvalidRequest(f"{twice[0]} is given twice: beside the body and in it")
        return Options(
            *(getattr(self, name) if getattr(other, name) is None else getattr(other, name) for name in names)
        )

    def request(self, items: tuple[Item, ...], *, per_item: bool, output: Output = Output.RESULTS) -> Request:
        """Return the request for these images under these options."""
        return Request(items, self.policy, self.min_confidence, per_item, output)


def text_option(value: Any) -> str:
    """Return an option's text, which may arrive as bytes; raises UnicodeDecodeError."""
    return value if isinstance(value, str) else bytes(value).decode()


def checked_confidence(value: Any) -> float | None:
    """Return a number from 0 to 1, or None; raises InvalidRequest for anything else, NaN included."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidRequest(f"min_confidence {value!r:.64} is not a number from 0 to 1")
    return float(value)


def checked_request_id(value: str | None) -> str | None:
    """Return an id that a header can echo; raises InvalidRequest for another."""
    if value is None or (value.isascii() and value.isprintable() and 1 <= len(value) <= MAX_REQUEST_ID_CHARACTERS):
        return value
    raise InvalidRequest(f"a request id is 1 to {MAX_REQUEST_ID_CHARACTERS} printable ASCII characters")


def accepts_image(accept: str) -> bool:
    """Tell whether an Accept header asks for an image in so many words, and not for JSON as well."""
    ranges = [[part.strip().lower() for part in entry.split(";")] for entry in accept.split(",")]
    wanted = [parts[0] for parts in ranges if not any(part in ("q=0", "q=0.0") for part in parts[1:])]
    return any(media.startswith("image/") for media in wanted) and "application/json" not in wanted
