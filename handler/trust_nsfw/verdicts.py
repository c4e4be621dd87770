"""Images' scored views -> their verdicts under a policy, and where two policies differ. Pure."""

from collections.abc import Sequence

from trust_nsfw.policy import Policy, decide
from trust_nsfw.schema import Action, Failure, Result, ScoredView, Verdict


def decide_all(images: Sequence[Sequence[ScoredView] | Failure], policy: Policy) -> tuple[Result, ...]:
    """Return one result per image, in order; a failure stays what it is."""
    return tuple(image if isinstance(image, Failure) else most_severe(image, policy) for image in images)


def most_severe(views: Sequence[ScoredView], policy: Policy) -> Verdict:
    """Decide on every view; the most severe action wins, of equals the more explicit, the more nsfw, the first."""
    verdicts = [Verdict(view.scores, decide(view.scores, policy), view.image) for view in views]
    return verdicts[0] if len(verdicts) == 1 else max(verdicts, key=_severity)


def differences(results: Sequence[Result], others: Sequence[Result]) -> tuple[tuple[Action, Action], ...]:
    """Return the two actions of every image on which they differ; failures are the same under any policy."""
    pairs = (
        (result.decision.action, other.decision.action)
        for result, other in zip(results, others, strict=True)
        if isinstance(result, Verdict) and isinstance(other, Verdict)
    )
    return tuple((action, other) for action, other in pairs if action is not other)


def _severity(verdict: Verdict) -> tuple[int, float, float]:
    groups = verdict.scores.groups()
    return verdict.decision.action.severity, groups["explicit"], groups["nsfw"]
