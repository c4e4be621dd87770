"""What an operator asks of a policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from evaluation.prediction import EvaluationError
from thresholds.base_rates import EXPLICIT


class TargetError(EvaluationError):
    """A target that no threshold reaches on these images; the message says what is reached."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Shares from 0 to 1.

    `recall`: of explicit images, at least so many blurred or reviewed; of porn and of hentai each, or of both together
    where `pooled`. `aim` says what of it must reach the target: the interval's lower end (promised) or the share
    observed. `blur_precision`: of blurred images at the base rate, at least so many explicit. `blur_fpr`: of neutral
    and drawing images, at most so many blurred. `sexy_recall`: of sexy images, at least so many blurred or reviewed.
    """

    recall: float = 0.98
    blur_precision: float | None = 0.95
    blur_fpr: float | None = None
    sexy_recall: float | None = None
    pooled: bool = False
    aim: Literal["promised", "observed"] = "promised"

    def populations(self, rates: Mapping[str, float]) -> dict[str, tuple[str, ...]]:
        """Return what the recall is of: names, and the classes behind each."""
        caught = tuple(label for label in EXPLICIT if rates[label] > 0)
        return {"explicit": caught} if self.pooled else {label: (label,) for label in caught}
