"""What actions on labelled images mean for uploads in which each class is as common as the base rates say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.moderation import SAFE
from thresholds.base_rates import EXPLICIT
from thresholds.cases import Cases
from thresholds.intervals import Estimate, Rate
from thresholds.operating_point import ALLOW, BLUR, ERROR, REVIEW
from trust_nsfw.schema import LABELS

CAUGHT = (REVIEW, BLUR)
LOOKED_AT = (REVIEW, ERROR)
"""What costs a reviewer's look: an image without scores, too."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares with intervals.

    `recall` is of porn, hentai and explicit: blurred or reviewed. `blurred_explicit` and `sexy_caught` are of their
    class, `blurred_safe` of scored neutral and drawing images. `review_load`, `blur_load` and `missed` (explicit, and
    neither blurred nor reviewed) are of all uploads. Precisions are the explicit share of what is blurred, reviewed,
    and either. Those of uploads add up classes' rates at the base rate, and their intervals the classes' interval ends:
    wider than 95 % asks for, but honest where no error at all was seen.
    """

    recall: dict[str, Rate]
    blurred_explicit: Rate
    blurred_safe: Rate
    sexy_caught: Rate
    review_load: Estimate
    blur_load: Estimate
    missed: Estimate
    blur_precision: Estimate
    review_precision: Estimate
    catch_precision: Estimate

    @classmethod
    def of(cls, cases: Cases, actions: NDArray[np.int8], rates: Mapping[str, float]) -> "Figures":
        """Count; `actions` int8 [N] of the cases."""
        count = _Counts(cases, actions, rates)
        return cls(
            recall={
                name: count.of(labels, CAUGHT)
                for name, labels in {**{one: (one,) for one in EXPLICIT}, "explicit": EXPLICIT}.items()
            },
            blurred_explicit=count.of(EXPLICIT, (BLUR,)),
            blurred_safe=count.of(SAFE, (BLUR,), scored_only=True),
            sexy_caught=count.of(("sexy",), CAUGHT),
            review_load=count.of_uploads(LABELS, LOOKED_AT),
            blur_load=count.of_uploads(LABELS, (BLUR,)),
            missed=count.of_uploads(EXPLICIT, (ALLOW, ERROR)),
            blur_precision=count.precision((BLUR,)),
            review_precision=count.precision(LOOKED_AT),
            catch_precision=count.precision(CAUGHT),
        )

    def record(self) -> dict[str, Any]:
        """Return every figure for thresholds.json."""
        rates = {name: getattr(self, name) for name in self.__slots__ if name != "recall"}
        return {"recall": {name: figure_record(rate) for name, rate in self.recall.items()}} | {
            name: figure_record(rate) for name, rate in rates.items()
        }


def figure_record(figure: Estimate) -> dict[str, float | int | None]:
    """Return a figure as JSON can hold it: null where it is unknown."""
    known = figure.value == figure.value
    numbers: dict[str, float | int | None] = {"value": figure.value if known else None}
    numbers |= {"low": figure.low, "high": figure.high}
    return numbers | ({"images": figure.images, "effective": figure.effective} if isinstance(figure, Rate) else {})


class _Counts:
    """Shares of classes that got some action, and their sums over uploads."""

    def __init__(self, cases: Cases, actions: NDArray[np.int8], rates: Mapping[str, float]) -> None:
        self.cases, self.actions, self.rates = cases, actions, rates
        totals = np.bincount(cases.classes, weights=cases.weights, minlength=len(LABELS))
        shares = np.array([rates[label] for label in LABELS]) / np.where(totals > 0, totals, 1)
        self.shares = shares[cases.classes] * cases.weights

    def of(self, labels: Sequence[str], actions: Sequence[int], *, scored_only: bool = False) -> Rate:
        chosen = self.cases.are(*labels) & (self.shares > 0)
        if scored_only:
            chosen &= ~self.cases.unscored
        return Rate.of(np.isin(self.actions[chosen], actions), self.shares[chosen], self.cases.groups[chosen])

    def of_uploads(self, labels: Sequence[str], actions: Sequence[int]) -> Estimate:
        found = [(self.rates[label], self.of((label,), actions)) for label in labels if self.rates[label] > 0]
        return Estimate(
            sum(rate * share.value for rate, share in found),
            sum(rate * share.low for rate, share in found),
            min(1.0, sum(rate * share.high for rate, share in found)),
        )

    def precision(self, actions: Sequence[int]) -> Estimate:
        right = self.of_uploads(EXPLICIT, actions)
        wrong = self.of_uploads([label for label in LABELS if label not in EXPLICIT], actions)
        return Estimate(
            right.value / total if (total := right.value + wrong.value) else float("nan"),
            right.low / total if (total := right.low + wrong.high) else 0.0,
            right.high / total if (total := right.high + wrong.low) else 1.0,
        )
