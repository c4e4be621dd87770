"""What a right answer is; anything else makes a measurement worthless."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trust_nsfw.schema import LABELS

Kind = Literal["ours", "stock"]
"""Whose answers: our wire contract's, or the baseline's map of label to probability."""

TOLERANCES: Mapping[Kind, float] = {"ours": 0.02, "stock": 0.001}
"""Largest difference of a probability. Ours is what the handler's own golden replay allows 16-bit precisions: a batch
of another size takes other kernels, which round differently. Two runs of fp32 differ by less than 1e-5, so 0.001 for
the baseline also catches most answers that belong to another picture; ours are told apart by their sha256."""

SUM_TOLERANCE = 1e-4
EXCERPT_CHARACTERS = 300


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
        return _problem_of_scores(found, expected.scores, TOLERANCES[kind])
    except (ValueError, LookupError, TypeError, AttributeError):
        return f"not the shape of an answer: {_excerpt(body)}"


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
