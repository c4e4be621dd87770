"""Whether the images are enough to promise the recall that was asked for, and what is missing if not.

A recall is promised when both hold:
- the lower end of its 95 % interval, on the images the thresholds were chosen on, reaches the target;
- the recall on images the thresholds were not chosen on (cross-fitting, or another evaluation) reaches it as well.

The first is exact for one threshold chosen by its rank; that `sexy` and `nsfw` are searched too makes it a little too
good, which is what the second is for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from thresholds.base_rates import upload_shares
from thresholds.cases import Cases
from thresholds.intervals import SLACK, Rate, effective_images, further_images, share_that_promises
from thresholds.operating_point import BLUR, REVIEW
from thresholds.resampling import HeldOut
from thresholds.targets import Targets


class Standing(StrEnum):
    """How far a recall may be relied on."""

    PROMISED = "promised"
    TOO_FEW = "too few images"
    NOT_HELD = "not held"


@dataclass(frozen=True, slots=True)
class Promise:
    """One population's recall: as chosen, and as checked on images that took no part in the choice.

    `further` independent images without a single miss more would bring the interval's lower end to the target; None
    where no number would. `failure` says why thresholds could not even be chosen on part of the images.
    """

    population: str
    target: float
    chosen: Rate
    checked: Rate
    further: int | None
    failure: str | None = None

    @property
    def standing(self) -> Standing:
        """Say how far the target may be relied on."""
        if self.chosen.low < self.target - SLACK:
            return Standing.TOO_FEW
        held = self.failure is None and self.checked.value >= self.target - SLACK
        return Standing.PROMISED if held else Standing.NOT_HELD

    def __str__(self) -> str:
        seen = (
            f"{self.population}: observed {self.chosen.value:.4f}, 95 % interval {self.chosen.low:.4f} to "
            f"{self.chosen.high:.4f} of {_counted(self.chosen)}; on images not chosen on {self.checked.value:.4f} "
            f"({self.checked.low:.4f} to {self.checked.high:.4f} of {_counted(self.checked)})"
        )
        match self.standing:
            case Standing.PROMISED:
                return f"{seen}: {self.target:g} is promised"
            case Standing.NOT_HELD if self.failure is not None:
                return f"{seen}: {self.failure}; so {self.target:g} is not promised"
            case Standing.NOT_HELD:
                return f"{seen}: on images not chosen on, {self.target:g} does not hold, so it is not promised"
            case Standing.TOO_FEW if self.further is None:
                return f"{seen}: no number of images can promise {self.target:g}"
            case Standing.TOO_FEW:
                more = f"{self.further:,} more independent images with no further miss would be needed"
                return f"{seen}: too few to promise {self.target:g}; {more}"


def least_recalls(cases: Cases, rates: Mapping[str, float], targets: Targets) -> dict[str, float]:
    """Return the share to be caught of each population on these images.

    Where the target is to be promised, that is the least share whose interval begins at the target. Where the images
    are too few for even a share of 1 to promise it, it is the target itself, and the Promise says so.
    """
    shares = upload_shares(cases, rates, cases.weights)
    least = {}
    for name, labels in targets.populations(rates).items():
        chosen = cases.are(*labels)
        enough = share_that_promises(targets.recall, effective_images(shares[chosen], cases.groups[chosen]))
        least[name] = targets.recall if targets.aim == "observed" or enough is None else enough
    return least


def promises(
    cases: Cases,
    actions: NDArray[np.int8],
    checked: HeldOut,
    rates: Mapping[str, float],
    targets: Targets,
) -> list[Promise]:
    """Judge each population's recall."""
    found = []
    for name, labels in targets.populations(rates).items():
        chosen, other = _recall(cases, actions, rates, labels), _recall(checked.cases, checked.actions, rates, labels)
        misses = (1 - chosen.value) * chosen.effective
        found.append(
            Promise(
                population=name,
                target=targets.recall,
                chosen=chosen,
                checked=other,
                further=further_images(targets.recall, misses, chosen.effective),
                failure=checked.failure,
            )
        )
    return found


def _recall(cases: Cases, actions: NDArray[np.int8], rates: Mapping[str, float], labels: tuple[str, ...]) -> Rate:
    chosen = cases.are(*labels)
    shares = upload_shares(cases, rates, cases.weights)[chosen]
    return Rate.of(np.isin(actions[chosen], (REVIEW, BLUR)), shares, cases.groups[chosen])


def _counted(rate: Rate) -> str:
    alike = "" if abs(rate.effective - rate.images) < 0.5 else f" (as good as {rate.effective:.0f} independent ones)"
    return f"{rate.images:,} images{alike}"
