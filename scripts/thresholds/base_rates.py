"""How common each class is among uploads: what a data set, gathered class by class, cannot tell."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evaluation.moderation import SAFE
from evaluation.prediction import EvaluationError
from thresholds.cases import Cases
from trust_nsfw.schema import GROUPS, LABELS

EXPLICIT = GROUPS["explicit"]
MEMBERS: Mapping[str, tuple[str, ...]] = {label: (label,) for label in LABELS} | {"explicit": EXPLICIT, "safe": SAFE}
"""What a base rate may be given for, and the classes it is then shared among."""

SUM_TOLERANCE = 1e-9


def parse_rates(texts: Sequence[str]) -> dict[str, float]:
    """Read NAME=SHARE pairs. Raises ValueError naming the one that is none, or that speaks of a class twice."""
    given: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        if name not in MEMBERS:
            raise ValueError(f"{text!r}: {name!r} is not one of {', '.join(MEMBERS)}")
        try:
            share = float(number)
        except ValueError:
            raise ValueError(f"{text!r} is not NAME=SHARE, such as explicit=0.01") from None
        if not 0 <= share <= 1:
            raise ValueError(f"{text!r}: a share is from 0 to 1 (1 % is 0.01)")
        if overlap := [other for other in given if set(MEMBERS[other]) & set(MEMBERS[name])]:
            raise ValueError(f"{name} and {overlap[0]} speak of the same class; give one of them")
        given[name] = share
    if (total := sum(given.values())) > 1 + SUM_TOLERANCE:
        raise ValueError(f"the base rates sum to {total:g}, more than 1")
    return given


def resolve_rates(given: Mapping[str, float], cases: Cases) -> dict[str, float]:
    """Return each class's share of uploads, summing to 1.

    A group's rate is shared among its classes, and what is left among the classes not named, as the evaluation's images
    are. A class at 0 is left out of everything. Raises EvaluationError where the evaluation has no image of another, or
    where all classes are named and they don't make 1.
    """
    found = {label: float(cases.weights[cases.are(label)].sum()) for label in LABELS}
    left_out = {label for name, rate in given.items() if rate == 0 for label in MEMBERS[name]}
    if missing := [label for label in LABELS if not found[label] and label not in left_out]:
        raise EvaluationError(
            f"the evaluation holds no image of {' and none of '.join(missing)}, so nothing can be said of that class; "
            f"if it never comes up in your uploads, say so: --base-rate {missing[0]}=0"
        )
    rates: dict[str, float] = {}
    for name, rate in given.items():
        total = sum(found[label] for label in MEMBERS[name])
        rates |= {label: rate * found[label] / total if rate else 0.0 for label in MEMBERS[name]}
    rest = 1 - sum(rates.values())
    unnamed = [label for label in LABELS if label not in rates]
    if not unnamed and abs(rest) > SUM_TOLERANCE:
        raise EvaluationError(f"the base rates of all classes sum to {1 - rest:g}, not to 1")
    total = sum(found[label] for label in unnamed)
    rates |= {label: max(rest, 0.0) * found[label] / total for label in unnamed}
    if not any(rates[label] for label in EXPLICIT):
        raise EvaluationError("at a base rate of 0 for explicit images there is nothing to catch")
    return {label: rates[label] for label in LABELS}


def upload_shares(cases: Cases, rates: Mapping[str, float], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what share of uploads each image stands for, float64 [N]: its class's, split by the images' weights."""
    totals = np.bincount(cases.classes, weights=weights, minlength=len(LABELS))
    shares = np.array([rates[label] for label in LABELS]) / np.where(totals > 0, totals, 1)
    return np.asarray(shares[cases.classes] * weights, dtype=np.float64)
