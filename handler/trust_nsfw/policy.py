"""Scores -> action and reasons. Pure: no files, no clock, no state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trust_nsfw.schema import Action, Decision, Reason, Scores


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of a policy: matches when any (or all) of its scores are at or above their thresholds."""

    id: str
    action: Action
    match: Literal["any", "all"]
    thresholds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in order, the first that matches decides; `otherwise` when none does."""

    name: str
    version: str
    rules: tuple[Rule, ...]
    otherwise: Action


def decide(scores: Scores, policy: Policy) -> Decision:
    """Apply a policy to one image's published scores; the reasons are every match of the deciding rule."""
    values = scores.classes() | scores.groups()
    for rule in policy.rules:
        reasons = tuple(
            Reason(rule.id, score, values[score], threshold)
            for score, threshold in rule.thresholds.items()
            if values[score] >= threshold
        )
        if len(reasons) == len(rule.thresholds) or (reasons and rule.match == "any"):
            return Decision(rule.action, reasons)
    return Decision(policy.otherwise)
