"""One request as a value: what is sent, and what must come back; the same for REST and gRPC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a request is; also its name in Locust's tables."""

    SINGLE = "single"  # one raw image
    BATCH_4 = "batch4"  # JSON with four images
    BATCH_16 = "batch16"
    MODERATED = "moderated"  # one raw image, the moderated picture back; REST only
    EXPLANATION = "explanation"  # one raw image, with its explanation; REST only
    HEALTH = "health"
    BAD = "bad"  # one file that must be refused with its code


class Outcome(StrEnum):
    """What became of a request."""

    RIGHT = "right"
    EXPECTED_ERROR = "expected_error"  # the very error that a bad file must get
    REFUSED = "refused"  # the queue was full: 503, or gRPC's INTERNAL for it
    LATE = "late"  # right, and later than the deadline
    FAILED = "failed"  # TorchServe's own error: the worker died, the handler raised or returned too few answers
    WRONG = "wrong"  # anything else that was answered
    LOST = "lost"  # no whole answer: the connection failed or the time was up
    UNSENT = "unsent"  # the generator's own failure: it never came to send it

    @property
    def is_success(self) -> bool:
        """Whether Locust counts it as one."""
        return self in (Outcome.RIGHT, Outcome.EXPECTED_ERROR)


@dataclass(frozen=True, slots=True)
class Picture:
    """A file of the mix. `error` is the stable code that it must get, None for a good image.

    `key` names its pixels: files with equal keys get equal scores, whatever their bytes. `size_px` is a good image's
    width and height, upright, None where they are not known; `inputs` how many model inputs it makes at most.
    """

    key: str
    payload: bytes
    media_type: str
    error: str | None = None
    size_px: tuple[int, int] | None = None
    inputs: int = 1


@dataclass(frozen=True, slots=True)
class ExpectedImage:
    """What must come back for one image of a request: its id, its sha256, its scores' key, or its error.

    Width, height and media type are those of what is sent, where they are known: None and "" are not compared.
    """

    id: str | None
    sha256: str
    key: str
    error: str | None
    size_px: tuple[int, int] | None = None
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A request to send. `body` is an image's bytes, JSON, or empty (HEALTH)."""

    kind: Kind
    body: bytes
    media_type: str
    images: tuple[ExpectedImage, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as a transport received it. Header names are lower case.

    `status` is HTTP's, or 200 for every answer of gRPC, whose errors are in the body; `code` is what samples show:
    "200", "503", "OK", "INTERNAL".
    """

    status: int
    code: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a reply, or its absence, was worth; `error_code` is the service's stable code where there is one."""

    outcome: Outcome
    message: str = ""
    error_code: str = ""
