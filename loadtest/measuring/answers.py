"""What a right answer is; anything else makes a measurement worthless."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from measuring import ROOT
from trust_nsfw.policy import Policy, decide
from trust_nsfw.policy_file import load_policies
from trust_nsfw.schema import LABELS, Scores

Kind = Literal["ours", "stock"]
"""Whose answers: our wire contract's, or the baseline's map of label to probability."""

TOLERANCES: Mapping[Kind, float] = {"ours": 0.005, "stock": 0.001}
"""Largest difference of a probability. In ours a batch of another size may take other kernels, which round bf16 and the
steps between int8 products differently (with AMX, int8 was seen not to move at all); two runs of fp32 differ by less
than 1e-5. Both are so small that one picture's scores in another's place show:
`expectations.required_told_apart` makes sure of that."""

POLICIES, DEFAULT_POLICY = ROOT / "handler/policies", "default"
SUM_TOLERANCE = 1e-4
EXCERPT_CHARACTERS = 300


class WrongAnswerError(RuntimeError):
    """Something else was answered than must be: every figure of the session is worthless."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come back for one sent body: its sha256 (ours only) and the probabilities by label."""

    sha256: str
    scores: Mapping[str, float]


def problem_of(kind: Kind, status: int, body: bytes, expected: Expected) -> str | None:
    """Return what is wrong with an answer, None when nothing is."""
    if status != 200:
        return f"status {status}: {_excerpt(body)}"
    try:
        answer = json.loads(body)
        found = answer["results"][0]["scores"] if kind == "ours" else answer
        if kind == "ours" and (problem := _problem_of_contract(answer, expected)):
            return problem
        if problem := _problem_of_scores(found, expected.scores, TOLERANCES[kind]):
            return problem
        return problem_of_action(answer["results"][0]["action"], found) if kind == "ours" else None
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"not the shape of an answer: {_excerpt(body)}"


def problem_of_action(
    action: str, scores: Mapping[str, float], name: str = DEFAULT_POLICY, version: str | None = None
) -> str | None:
    """Return what is wrong with an action: a shipped policy makes another of the very scores published.

    A policy that is not shipped, by its name or its version, can't be replayed: nothing is said of it.
    """
    policy = shipped_policy(name, version)
    if policy is None:
        return None
    if action != (right := decide(Scores(**scores), policy).action):
        return f"the action is {action}; policy {policy.name} {policy.version} makes {right} of these scores"
    return None


def shipped_policy(name: str, version: str | None = None) -> Policy | None:
    """Return the policy of a name, None where none is shipped in that version; None is any."""
    policy = _shipped_policies().get(name)
    return policy if policy is not None and version in (None, policy.version) else None


@cache
def _shipped_policies() -> Mapping[str, Policy]:
    return load_policies(POLICIES)


def _problem_of_contract(answer: Any, expected: Expected) -> str | None:
    [result] = answer["results"]
    if (found := result["image"]["sha256"]) != expected.sha256:
        return f"an answer for another image: sha256 {found}, sent was {expected.sha256}"
    if result["label"] != (best := max(result["scores"], key=result["scores"].__getitem__)):
        return f"the label is {result['label']}, the best score is that of {best}"
    return None


def _problem_of_scores(found: Mapping[str, float], wanted: Mapping[str, float], tolerance: float) -> str | None:
    if set(found) != set(LABELS):
        return f"labels {sorted(found)}, expected {sorted(LABELS)}"
    for label in LABELS:
        if not abs(found[label] - wanted[label]) <= tolerance:  # a NaN neither
            return f"{label} is {found[label]:.4f}, expected {wanted[label]:.4f} within {tolerance}"
    if abs(sum(found.values()) - 1) > SUM_TOLERANCE:
        return f"the probabilities sum to {sum(found.values()):.4f}"
    return None


def _excerpt(body: bytes) -> str:
    return " ".join(body[:EXCERPT_CHARACTERS].decode("utf-8", errors="replace").split())
