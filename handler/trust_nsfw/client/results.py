"""What the clients return: the service's own values, and what comes along with them over the wire."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from trust_nsfw.schema import Action, Explanation, Failure, ModelInfo, Reason, Verdict


@dataclass(frozen=True, slots=True)
class PolicyInfo:
    """The policy that decided."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One class and its probability."""

    label: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteVerdict(Verdict):
    """A verdict, with the model and the policy behind it: in a roll-out, two requests may meet different ones.

    `labels` are those with at least `min_confidence`, most probable first; None when it was not asked for.
    """

    model: ModelInfo
    policy: PolicyInfo
    labels: tuple[LabelScore, ...] | None = None
    request_id: str | None = None

    @property
    def action(self) -> Action:
        """What the platform should do."""
        return self.decision.action

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Every match of the rule that decided; none when the policy's `otherwise` did."""
        return self.decision.reasons

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.scores.label


@dataclass(frozen=True, slots=True)
class ExplainedVerdict:
    """A verdict, and where in the picture the score behind it comes from."""

    verdict: RemoteVerdict
    explanation: Explanation

    @property
    def action(self) -> Action:
        """What the platform should do."""
        return self.verdict.action

    @property
    def overlay_png(self) -> bytes:
        """The picture with the explanation laid over it."""
        return base64.b64decode(self.explanation.png_b64)


@dataclass(frozen=True, slots=True)
class ModeratedPicture:
    """A picture fit to show: blurred when the action says so, re-encoded without metadata otherwise."""

    content: bytes
    content_type: str
    action: Action
    label: str


@dataclass(frozen=True, slots=True)
class Unscored(Failure):
    """An image that nobody scored because the service was unavailable, for callers that must decide anyway.

    It has no scores, and its action is always review: a person decides. `code` and `message` say what happened.
    """

    action: ClassVar[Action] = Action.REVIEW


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """One result per image, in the order given; a Failure (Unscored among them) where there is no verdict."""

    ids: tuple[str | None, ...]
    results: tuple[RemoteVerdict | Failure, ...]

    def __iter__(self) -> Iterator[tuple[str | None, RemoteVerdict | Failure]]:
        """Yield each image's id and result."""
        return zip(self.ids, self.results, strict=True)
