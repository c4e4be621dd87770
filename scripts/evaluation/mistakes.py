"""What was done wrong with labelled images: by a policy's actions first, then by the class alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from evaluation.moderation import EXPLICIT, SAFE
from evaluation.prediction import Prediction
from trust_nsfw.schema import Action, Scores


class Kind(StrEnum):
    """Kinds of mistakes, the most harmful first; an image has one at most. Reviewing sexy images is none."""

    MISSED = "explicit, allowed"
    NOT_BLURRED = "explicit, only reviewed"
    BLURRED = "not explicit, blurred"
    REVIEWED = "safe, reviewed"
    CONFUSED = "right action, other class"

    @property
    def slug(self) -> str:
        """What files of this kind are called."""
        return {
            Kind.MISSED: "missed",
            Kind.NOT_BLURRED: "not_blurred",
            Kind.BLURRED: "blurred",
            Kind.REVIEWED: "reviewed",
            Kind.CONFUSED: "confused",
        }[self]

    @property
    def is_false_negative(self) -> bool:
        """Whether explicit content was let through, or left to reviewers."""
        return self in (Kind.MISSED, Kind.NOT_BLURRED)

    @property
    def is_false_positive(self) -> bool:
        """Whether harmless content was held back."""
        return self in (Kind.BLURRED, Kind.REVIEWED)


@dataclass(frozen=True, slots=True)
class Mistake:
    """One image's: `place` among the predictions, and how sure the model was of it.

    `confidence` is the probability of what it was wrongly taken for: not explicit where explicit was let through,
    explicit where something was blurred, nsfw where it was reviewed, the predicted class else.
    """

    place: int
    kind: Kind
    predicted: str
    confidence: float


def mistakes_of(predictions: Sequence[Prediction], actions: Sequence[Action]) -> list[Mistake]:
    """Return the mistakes among scored predictions, by kind, the most confident first."""
    found = []
    for place, (one, action) in enumerate(zip(predictions, actions, strict=True)):
        scores = Scores(**(one.scores or {}))
        kind = _kind(one.label, scores.label, action)
        if kind is not None:
            found.append(Mistake(place, kind, scores.label, _confidence(kind, scores)))
    order = list(Kind)
    return sorted(found, key=lambda one: (order.index(one.kind), -one.confidence, one.place))


def _kind(label: str, predicted: str, action: Action) -> Kind | None:
    if label in EXPLICIT and action is not Action.BLUR:
        return Kind.MISSED if action is Action.ALLOW else Kind.NOT_BLURRED
    if label not in EXPLICIT and action is Action.BLUR:
        return Kind.BLURRED
    if label in SAFE and action is Action.REVIEW:
        return Kind.REVIEWED
    return Kind.CONFUSED if label != predicted else None


def _confidence(kind: Kind, scores: Scores) -> float:
    groups = scores.groups()
    if kind.is_false_negative:
        return round(1 - groups["explicit"], 6)
    if kind is Kind.CONFUSED:
        return scores.classes()[scores.label]
    return groups["explicit" if kind is Kind.BLURRED else "nsfw"]
