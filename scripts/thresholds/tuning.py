"""From cases and targets to everything the pages show."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from thresholds.base_rates import resolve_rates
from thresholds.cases import UNIT, Cases
from thresholds.curve import Budget, CurvePoint, best_within, operating_curve
from thresholds.figures import Figures
from thresholds.operating_point import OperatingPoint
from thresholds.promise import Promise, Standing, least_recalls, promises
from thresholds.resampling import HeldOut, held_out_actions, redrawn_points
from thresholds.search import Search
from thresholds.targets import Targets
from trust_nsfw.schema import LABELS

THRESHOLDS = ("blur", "review", "sexy", "nsfw")


@dataclass(frozen=True, slots=True)
class ThresholdInterval:
    """Where 95 % of the bootstrap's choices of one threshold lie; `used` is the share of draws that had it at all."""

    low: float | None
    high: float | None
    used: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """The chosen thresholds, what they give on the images they were chosen on, and on others.

    `checked_on` says which others: held-out fifths of the same images, or another evaluation's name. `counts` are
    images by class, and `unscored` how many of all had no scores. `shortfall` says what a review budget lacks.
    """

    targets: Targets
    budget: Budget
    rates: Mapping[str, float]
    counts: Mapping[str, int]
    unscored: int
    point: OperatingPoint
    intervals: Mapping[str, ThresholdInterval]
    draws: int
    chosen: Figures
    checked: Figures
    checked_on: str
    promises: Sequence[Promise]
    curve: Sequence[CurvePoint]
    shortfall: str | None

    @property
    def is_promised(self) -> bool:
        """Whether every population's recall may be relied on."""
        return all(promise.standing is Standing.PROMISED for promise in self.promises)


def tune(
    cases: Cases,
    targets: Targets,
    given_rates: Mapping[str, float],
    budget: Budget,
    other: tuple[str, Cases] | None = None,
    *,
    draws: int = 500,
    seed: int = 0,
    progress: Callable[[int], object] = lambda _: None,
) -> Tuned:
    """Choose thresholds and check them; `other` is another evaluation's name and images to check them on.

    Raises EvaluationError for images that cannot be chosen on, TargetError for targets out of reach.
    """
    rates = resolve_rates(given_rates, cases)
    in_use = [label for label in LABELS if rates[label] > 0]
    cases = cases.subset(cases.are(*in_use))
    search = Search(cases, rates, targets)
    least = least_recalls(cases, rates, targets)
    point = search.choose(least)
    actions = point.actions(cases)
    if other is None:
        checked_on = "held-out fifths"
        checked = held_out_actions(cases, rates, targets, least, seed)
    else:
        checked_on = other[0]
        resolve_rates(given_rates, other[1])  # says which class the other evaluation lacks
        others = other[1].subset(other[1].are(*in_use))
        checked = HeldOut(others, point.actions(others))
    chosen = Figures.of(cases, actions, rates)
    curve = operating_curve(search, rates, list(least))
    best = None if budget.load is None else best_within(budget.load, curve, search, rates, list(least))
    redrawn = redrawn_points(search, least, draws, seed, progress)
    return Tuned(
        targets=targets,
        budget=budget,
        rates=rates,
        counts={label: int(cases.are(label).sum()) for label in LABELS},
        unscored=int(cases.unscored.sum()),
        point=point,
        intervals={name: threshold_interval([getattr(one, name) for one in redrawn]) for name in THRESHOLDS},
        draws=len(redrawn),
        chosen=chosen,
        checked=Figures.of(checked.cases, checked.actions, rates),
        checked_on=checked_on,
        promises=promises(cases, actions, checked, rates, targets),
        curve=curve,
        shortfall=budget.shortfall(chosen, best, targets.recall),
    )


def threshold_interval(values: Sequence[int | None]) -> ThresholdInterval:
    """Return the percentile interval of a threshold over draws, in published numbers."""
    used = [value for value in values if value is not None]
    if not used:
        return ThresholdInterval(None, None, 0.0)
    low, high = np.quantile(used, (0.025, 0.975), method="nearest") / UNIT
    return ThresholdInterval(float(low), float(high), len(used) / len(values))
