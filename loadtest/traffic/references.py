"""What later answers must agree with: a picture's scores and the policy, told beforehand or learned from the first."""

import json
import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

from measuring.answers import TOLERANCES, shipped_policy
from trust_nsfw.policy import Policy, decide
from trust_nsfw.schema import GROUPS, LABELS, Action, Scores

logger = logging.getLogger(__name__)

TOLERANCE = TOLERANCES["ours"]


class References:
    """Scores by a picture's key, and the policy that decides. What is not told is learned: a later answer must then
    agree with the first.
    """

    def __init__(self, told: Mapping[str, Mapping[str, float]] | None = None) -> None:
        """`told` holds each picture's probabilities by label."""
        self._scores = dict(told or {})
        self._decided_by: tuple[str, str] | None = None
        self._policy: Policy | None = None

    @classmethod
    def load(cls, file: Path, keys: Collection[str]) -> Self:
        """Read {key: {label: probability}} from JSON.

        Raises ValueError for another content, or where one of `keys` is missing; OSError where there is no such file.
        """
        told = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(told, dict):
            raise ValueError(f"{file} holds no object of scores by picture")
        for key, scores in told.items():
            if not isinstance(scores, dict) or scores.keys() != set(LABELS):
                raise ValueError(f"{file}: {key!r} has not the labels {', '.join(LABELS)}")
        if missing := [key for key in keys if key not in told]:
            raise ValueError(f"{file} has no scores of {len(missing)} pictures that are sent, such as {missing[0]!r}")
        return cls(told)

    def problem_of(self, key: str, scores: Mapping[str, float]) -> str | None:
        """Return what is wrong with a picture's scores, which hold all labels; None when nothing is."""
        wanted = self._scores.setdefault(key, scores)
        if wanted is not scores:
            for label in LABELS:
                if not abs(scores[label] - wanted[label]) <= TOLERANCE:
                    return f"{label} is {scores[label]:.4f}, expected {wanted[label]:.4f} within {TOLERANCE}"
        return None

    def best_of(self, key: str) -> str | None:
        """Return the label that leads by more than scores may move; None where none does, or nothing is known."""
        if (scores := self._scores.get(key)) is None:
            return None
        best, second = sorted(LABELS, key=scores.__getitem__, reverse=True)[:2]
        return best if scores[best] - scores[second] > 2 * TOLERANCE else None

    def problem_of_policy(self, name: str, version: str, asked: str) -> str | None:
        """Return what is wrong with the policy that decided an answer; `asked` is "" for the service's default."""
        if asked not in ("", name):
            return f"decided by policy {name}, asked for was {asked}"
        if self._decided_by is None:
            self._decided_by, self._policy = (name, version), shipped_policy(name, version)
            if self._policy is None:
                logger.warning("Policy %s %s is none of those shipped: its actions can't be checked", name, version)
        if (name, version) != self._decided_by:
            return f"decided by policy {name} {version}, those before by {' '.join(self._decided_by)}"
        return None

    @property
    def policy(self) -> Policy | None:
        """The shipped policy that decides; None for another one, and before the first answer."""
        return self._policy

    def action_of(self, key: str, asked: str) -> Action | None:
        """Return the action on a picture whose scores are clear of every threshold; None where they are not.

        None too where they or the policy are not known: before the first answer it is the shipped one asked for.
        """
        policy = self._policy if self._decided_by else shipped_policy(asked)
        found = self._scores.get(key)
        if policy is None or found is None:
            return None
        scores = Scores(**found)
        values = scores.classes() | scores.groups()
        for rule in policy.rules:
            for name, threshold in rule.thresholds.items():
                if abs(values[name] - threshold) <= TOLERANCE * len(GROUPS.get(name, (name,))):
                    return None
        return decide(scores, policy).action
