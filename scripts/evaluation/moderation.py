"""What a policy does to images of each true class: what is missed, what is blurred for nothing, what people review."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from evaluation.metrics import Share
from evaluation.prediction import EvaluationError, Prediction
from trust_nsfw.policy import Policy, decide
from trust_nsfw.schema import GROUPS, LABELS, Action, Scores

SAFE = ("neutral", "drawing")
EXPLICIT = GROUPS["explicit"]
MISSED_OF = (*EXPLICIT, "explicit")


@dataclass(frozen=True, slots=True)
class Missed:
    """False negatives among the images truly of a class or group: those allowed, and those not blurred."""

    allowed: Share
    not_blurred: Share


@dataclass(frozen=True, slots=True)
class Moderation:
    """A policy's results.

    `actions` counts them by true class. `safe_rate` is the share of truly neutral and drawing images that are allowed.
    `missed` holds porn, hentai and explicit (both). Blur's precision is the share of blurred images that are truly
    explicit, its recall the share of explicit ones that are blurred. `review_load` is the share of all images, in the
    mix evaluated, that a person must look at.
    """

    actions: dict[str, dict[str, int]]
    safe_rate: Share
    missed: dict[str, Missed]
    blur_precision: Share
    blur_recall: Share
    review_load: Share

    @classmethod
    def of(cls, labels: Sequence[str], actions: Sequence[Action]) -> Self:
        """Count actions against true labels, image by image."""
        counts = {label: dict.fromkeys(map(str, Action), 0) for label in LABELS}
        for label, action in zip(labels, actions, strict=True):
            counts[label][action] += 1

        def among(members: Sequence[str], *wanted: Action) -> Share:
            """Return the share of some classes' images that an action is taken on."""
            hits = sum(counts[member][action] for member in members for action in wanted)
            return Share.of(hits, sum(sum(counts[member].values()) for member in members))

        blurred = sum(counts[label][Action.BLUR] for label in LABELS)
        return cls(
            actions=counts,
            safe_rate=among(SAFE, Action.ALLOW),
            missed={
                name: Missed(
                    allowed=among(GROUPS.get(name, (name,)), Action.ALLOW),
                    not_blurred=among(GROUPS.get(name, (name,)), Action.ALLOW, Action.REVIEW),
                )
                for name in MISSED_OF
            },
            blur_precision=Share.of(sum(counts[label][Action.BLUR] for label in EXPLICIT), blurred),
            blur_recall=among(EXPLICIT, Action.BLUR),
            review_load=among(LABELS, Action.REVIEW),
        )


def actions_of(predictions: Sequence[Prediction], policy: Policy) -> list[Action]:
    """Return what a policy does with each image. Raises EvaluationError for one without scores: it has no action."""
    actions = []
    for prediction in predictions:
        if prediction.scores is None:
            raise EvaluationError(f"{prediction.file} has no scores")
        actions.append(decide(Scores(**prediction.scores), policy).action)
    return actions
