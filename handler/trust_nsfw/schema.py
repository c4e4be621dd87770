"""The frozen values that cross modules: scores, decisions, verdicts, failures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from trust_nsfw.errors import InternalError, ServiceError

LABELS = ("drawing", "hentai", "neutral", "porn", "sexy")
"""The five classes, in the order of every probability row in this package."""

GROUPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "explicit": ("porn", "hentai"),
        "nsfw": ("porn", "hentai", "sexy"),
        "illustrated": ("drawing", "hentai"),
    }
)
"""Sums of classes that policies may use beside the classes themselves."""

SCORE_DECIMALS = 6


class Action(StrEnum):
    """What the platform should do, least severe first."""

    ALLOW = "allow"
    REVIEW = "review"
    BLUR = "blur"

    @property
    def severity(self) -> int:
        """0 for allow, 1 for review, 2 for blur."""
        return list(Action).index(self)


@dataclass(frozen=True, slots=True)
class Scores:
    """One image's five probabilities, as published: rounded to 6 decimals, summing to 1 within 3e-6."""

    drawing: float = 0.0
    hentai: float = 0.0
    neutral: float = 0.0
    porn: float = 0.0
    sexy: float = 0.0

    @classmethod
    def from_probabilities(cls, row: Sequence[float]) -> "Scores":
        """Round one row of probabilities in the order of LABELS.

        Raises InternalError when the row is not a probability distribution (NaN, negative, wrong length or sum).
        """
        values = [float(value) for value in row]
        if len(values) != len(LABELS) or not all(math.isfinite(value) and value >= 0 for value in values):
            raise InternalError("the model did not return five probabilities")
        if abs(sum(values) - 1) > 1e-3:
            raise InternalError(f"the model's probabilities sum to {sum(values):.4f}, not to 1")
        return cls(*(round(value, SCORE_DECIMALS) for value in values))

    def classes(self) -> dict[str, float]:
        """Probability by class name, in the order of LABELS."""
        return {label: getattr(self, label) for label in LABELS}

    def groups(self) -> dict[str, float]:
        """Sum of the published class scores by group name, rounded alike."""
        return {
            group: round(sum(getattr(self, label) for label in members), SCORE_DECIMALS)
            for group, members in GROUPS.items()
        }

    @property
    def label(self) -> str:
        """The most probable class; of equals, the first in LABELS."""
        return max(LABELS, key=lambda label: float(getattr(self, label)))


@dataclass(frozen=True, slots=True)
class Reason:
    """One match of the deciding rule."""

    rule: str
    score: str
    value: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Decision:
    """An action and why; no reasons when the policy's `otherwise` decided."""

    action: Action
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What was classified: the encoded bytes' sha256, the container, and which view of it decided.

    `frame` is the index of the deciding frame of an animation; `background` is "white" or "black" for an image
    with transparency, else None.
    """

    sha256: str
    format: str
    width: int
    height: int
    frames: int = 1
    frame: int = 0
    background: str | None = None


@dataclass(frozen=True, slots=True)
class ScoredView:
    """One view of an image and its scores: what any policy decides on."""

    image: ImageInfo
    scores: Scores


@dataclass(frozen=True, slots=True)
class Verdict:
    """One image that was scored."""

    scores: Scores
    decision: Decision
    image: ImageInfo


@dataclass(frozen=True, slots=True)
class Failure:
    """One image that could not be scored; it holds its slot in the batch."""

    code: str
    status: int
    message: str

    @classmethod
    def of(cls, error: ServiceError) -> "Failure":
        """Turn an error into the value that travels in its place."""
        return cls(error.code, error.status, str(error))


Result = Verdict | Failure


@dataclass(frozen=True, slots=True)
class Answer:
    """One request's results in the order sent, and the policy that decided them.

    `shadow_differences` holds, for each image on which the shadow policy would have acted otherwise, the action taken
    and the action it would have taken.
    """

    policy_name: str
    policy_version: str
    results: tuple[Result, ...]
    shadow_differences: tuple[tuple[Action, Action], ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """What answering one batch took.

    `inputs` are the model inputs that were computed. `decode_seconds` are those spent waiting for images to be opened,
    drawn and resized, `inference_seconds` those spent in the engine. Of the images that had bytes, `cache_hits` were
    answered from the cache, `cache_misses` were looked up in vain, and `duplicates` share the result of another that
    was computed in the same batch.
    """

    inputs: int = 0
    decode_seconds: float = 0.0
    inference_seconds: float = 0.0
    cache_hits: int = 0
    cache_misses: int = 0
    duplicates: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """The answers to some requests that were scored together, in their order, and what that took."""

    answers: tuple[Answer | Failure, ...]
    measured: Measured


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where in the picture the model saw the target, a class or a group.

    `grid` is 14 x 14, rows from the top, 0 to 1; `png_b64` is the picture with the grid laid over it, base64.
    """

    target: str
    grid: tuple[tuple[float, ...], ...]
    png_b64: str


class Output(StrEnum):
    """What a request wants back; the words are those of its error messages."""

    RESULTS = "results"
    MODERATED = "moderated images"
    EXPLAINED = "explanations"


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a request: its encoded bytes, or the failure that already stands in its slot."""

    payload: bytes | Failure
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request's images in the order sent, and the options that hold for all of them.

    `policy` None means the configured default. `min_confidence` adds ranked labels to each result. `per_item` requests
    are answered item by item even when one fails; a raw image that fails gets the error's own HTTP status instead.
    """

    items: tuple[Item, ...]
    policy: str | None = None
    min_confidence: float | None = None
    per_item: bool = False
    output: Output = Output.RESULTS


@dataclass(frozen=True, slots=True)
class Describe:
    """A request that asks what the service is instead of sending images."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What every answer says of the model behind it."""

    name: str
    version: str
    checkpoint: str
    sha256: str
    weights: str
    engine: str
    precision: str
