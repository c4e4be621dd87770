"""The scores that must come back for a picture: told beforehand, or learned from its first answer."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

from measuring.answers import TOLERANCES
from trust_nsfw.schema import LABELS

TOLERANCE = TOLERANCES["ours"]


class References:
    """Scores by a picture's key. Keys that are not told are learned: a later answer must then agree with the first."""

    def __init__(self, told: Mapping[str, Mapping[str, float]] | None = None) -> None:
        """`told` holds each picture's probabilities by label."""
        self._scores = dict(told or {})

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
