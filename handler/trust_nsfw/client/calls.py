"""One request and its answer, whatever carries them."""

from dataclasses import dataclass, field
from enum import StrEnum

from trust_nsfw.client.errors import InvalidRequest

MAX_OPTION_CHARACTERS = 128


class Kind(StrEnum):
    """What a call asks for, and so what its body is."""

    CLASSIFY = "classify"  # one image's bytes
    CLASSIFY_MANY = "classify_many"  # the contract's JSON with many images
    MODERATE = "moderate"  # one image's bytes; the answer is a picture
    EXPLAIN = "explain"  # one image's bytes
    DESCRIBE = "describe"  # nothing; a worker answers what it serves
    STATUS = "status"  # nothing; the server answers whether it has workers


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for every image of a call; None leaves it to the service.

    Raises InvalidRequest for a name or id that no header can carry, or a `min_confidence` that is no number.
    """

    policy: str | None = None
    min_confidence: float | None = None
    request_id: str | None = None

    def __post_init__(self) -> None:
        for name, value in (("policy", self.policy), ("request_id", self.request_id)):
            if value is not None and not _fits_a_header(value):
                raise InvalidRequest(f"{name} must be 1 to {MAX_OPTION_CHARACTERS} printable ASCII characters")
        confidence = self.min_confidence
        if confidence is not None and (isinstance(confidence, bool) or not isinstance(confidence, int | float)):
            raise InvalidRequest(f"min_confidence must be a number, not {type(confidence).__name__}")

    def named(self) -> dict[str, str]:
        """Return the options that are set, as text, under their names in the contract."""
        values = {"policy": self.policy, "min_confidence": self.min_confidence, "request_id": self.request_id}
        return {name: str(value) for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the service."""

    kind: Kind
    body: bytes = b""
    options: Options = field(default_factory=Options)

    @property
    def is_about_model(self) -> bool:
        """Whether it goes to the management address."""
        return self.kind in (Kind.DESCRIBE, Kind.STATUS)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. Over gRPC its status is 200 and it has no headers: the body says it all.

    `headers` has lower-case names.
    """

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def _fits_a_header(value: object) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_OPTION_CHARACTERS
        and value.isascii()
        and value.isprintable()
        and value == value.strip()
    )
