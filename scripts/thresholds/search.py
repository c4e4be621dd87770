"""The thresholds with the least review load that keep the targets, on one set of labelled images.

How the three rules are chosen, in this order:

1. `blur` is the lowest threshold at which the blur targets hold, because what is blurred needs no reviewer. Precision
   is counted at the base rate: blurred explicit images over all blurred ones, each class at its share of uploads. A
   sexy image that is blurred counts against precision, but not into `blur_fpr`, which is of neutral and drawing only.
2. `sexy` and `nsfw` come from a grid, and may be off. For each pair of them the recall asks for one certain threshold
   `review` on the explicit score: with m misses allowed, the (m+1)-th lowest score among the explicit images that the
   pair leaves uncaught; where classes are pooled, each image counts as its share of uploads. A higher one would miss
   too much, a lower one only adds load.
3. Of all pairs the one with the least review load wins; within 1 % of the least, the one with fewest thresholds, since
   every threshold more is one more chance to fit these images instead of the traffic. Of equals, nsfw before sexy, and
   the lower threshold, which catches more of what was not seen.

An image that could not be scored counts against the policy wherever it can: as a miss if it is explicit, and as one
more to look at whatever it is, since an error is never an allow. It leaves blur_fpr and precision as they are.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from evaluation.moderation import SAFE
from thresholds.base_rates import EXPLICIT, upload_shares
from thresholds.cases import UNIT, Cases
from thresholds.intervals import SLACK
from thresholds.operating_point import OperatingPoint
from thresholds.targets import TargetError, Targets

GRID = tuple(range(UNIT // 10, UNIT, UNIT // 20))
"""Where `sexy` and `nsfw` are tried: 0.10 to 0.95 by 0.05."""

OFF = UNIT + 1
"""A threshold that no score reaches."""

NEAR_LEAST = 1.01

Flags = NDArray[np.bool_]
Shares = NDArray[np.float64]


class Search:
    """Everything about the images that does not change from one choice to the next; a choice takes milliseconds."""

    def __init__(self, cases: Cases, rates: Mapping[str, float], targets: Targets) -> None:
        """Prepare; `rates` are each class's share of uploads. Images of classes at 0 must be left out already."""
        self.cases, self.rates, self.targets = cases, rates, targets
        self._pairs = [
            (sexy, nsfw)
            for sexy in (OFF, *GRID)
            for nsfw in (OFF, *GRID)
            if nsfw == OFF or nsfw > sexy or sexy == OFF  # nsfw includes sexy: at or under it, sexy adds nothing
        ]
        sexy, nsfw = np.array(self._pairs).T
        self._uncaught: Flags = (cases.sexy < sexy[:, None]) & (cases.nsfw < nsfw[:, None])
        self._thresholds = np.sum(np.array(self._pairs) != OFF, axis=1)
        self._rising = np.argsort(cases.explicit, kind="stable")
        self._uncaught_rising = self._uncaught[:, self._rising].astype(np.float64)  # products of flags are slow
        self._populations = {
            name: self._rising[cases.are(*labels)[self._rising]] for name, labels in targets.populations(rates).items()
        }

    def choose(
        self, least_recall: Mapping[str, float], weights: Shares | None = None, blur: int | None = None
    ) -> OperatingPoint:
        """Return the thresholds whose recall is at least so much of each population.

        `weights` [N] replace the images' own. `blur` fixes that threshold. Raises TargetError.
        """
        weights = self.cases.weights if weights is None else weights
        shares = upload_shares(self.cases, self.rates, weights)
        allowed_blur = np.array([blur]) if blur is not None else self._blur_thresholds(shares)
        review = np.min([self._review(name, least, shares) for name, least in least_recall.items()], axis=0)
        blur = int(allowed_blur[0])
        candidates = np.where(review > blur, OFF, review)
        load = self._load(blur, candidates, shares)
        load[~self._keeps_sexy(blur, candidates, weights)] = np.inf
        if np.isinf(load).all():
            raise TargetError(f"no thresholds catch {self.targets.sexy_recall:g} of sexy images")
        count = self._thresholds + (candidates != OFF)
        near = np.flatnonzero(load <= load.min() * NEAR_LEAST + SLACK)
        best = int(min(near, key=lambda pair: (count[pair], load[pair])))
        if not count[best] and self.targets.sexy_recall is None:  # blurring alone catches enough: no more than it needs
            blur = int(allowed_blur[allowed_blur <= max(int(review[best]), blur)].max())
        sexy, nsfw = self._pairs[best]
        return OperatingPoint(blur, *(None if one == OFF else int(one) for one in (candidates[best], sexy, nsfw)))

    def reachable(self, least_recall: Mapping[str, float], weights: Shares | None = None) -> dict[str, float]:
        """Return the recalls asked for, or less where images without scores put that out of any threshold's reach."""
        shares = upload_shares(self.cases, self.rates, self.cases.weights if weights is None else weights)
        found = {}
        for name, least in least_recall.items():
            members = self._populations[name]
            own = shares[members]
            lost = own[self.cases.explicit[members] < 0].sum() / max(own.sum(), SLACK)
            found[name] = min(least, float(1 - lost))
        return found

    def _blur_thresholds(self, shares: Shares) -> NDArray[np.int64]:
        """Return all thresholds at which the blur targets hold, lowest first: scores of explicit images."""
        falling = self._rising[::-1]
        falling = falling[self.cases.explicit[falling] >= 0]
        scores, explicit = self.cases.explicit[falling], self.cases.are(*EXPLICIT)[falling]
        safe = self.cases.are(*SAFE)[falling]
        caught = np.cumsum(shares[falling] * explicit)
        blurred = np.cumsum(shares[falling])
        of_safe = shares[falling] * safe
        fpr = np.cumsum(of_safe) / max(of_safe.sum(), SLACK)
        precision = caught / np.maximum(blurred, 1e-300)
        fits = np.append(scores[1:] < scores[:-1], True)[: len(scores)]  # of equal scores all are blurred or none
        if self.targets.blur_precision is not None:
            fits &= precision >= self.targets.blur_precision - SLACK
        if self.targets.blur_fpr is not None:
            fits &= fpr <= self.targets.blur_fpr + SLACK
        fits &= caught > 0
        if not fits.any():
            raise TargetError(self._no_blur(precision, caught > 0))
        return np.asarray(np.intersect1d(scores[fits], scores[explicit & (shares[falling] > 0)]))

    def _no_blur(self, precision: Shares, possible: Flags) -> str:
        best = f"{precision[possible].max():.4f}" if possible.any() else "none"
        asked = {"blur precision of": self.targets.blur_precision, "blur FPR of at most": self.targets.blur_fpr}
        text = " and ".join(f"{name} {value:g}" for name, value in asked.items() if value is not None)
        return f"no blur threshold has a {text}: the best precision at this base rate is {best}; ask for less"

    def _review(self, name: str, least: float, shares: Shares) -> NDArray[np.int64]:
        """Return the review threshold on the explicit score that each pair leaves necessary: int64 [pairs].

        A miss counts as much as it does among uploads, where porn may be more common than hentai.
        """
        members = self._populations[name]
        own, scores = shares[members], self.cases.explicit[members]
        allowed = (1 - least + SLACK) * own.sum()
        if (lost := own[scores < 0].sum()) > allowed:
            raise TargetError(
                f"{name}: {lost / own.sum():.4f} of the images could not be scored, and each is a miss; "
                f"a recall of {least:.4f} is out of reach of any threshold"
            )
        missed = np.cumsum(own * self._uncaught[:, members], axis=1)
        over = missed > allowed
        first = np.argmax(over, axis=1)
        return np.asarray(np.where(over.any(axis=1), scores[first], OFF))

    def _load(self, blur: int, review: NDArray[np.int64], shares: Shares) -> Shares:
        """Return the share of uploads reviewed, for each pair with its threshold: float64 [pairs]."""
        rising = shares[self._rising]
        below = np.searchsorted(self.cases.explicit[self._rising], np.minimum(review, blur))
        passed = [row[:end] @ rising[:end] for row, end in zip(self._uncaught_rising, below, strict=True)]
        return np.asarray(shares[self.cases.explicit < blur].sum() - passed)

    def _keeps_sexy(self, blur: int, review: NDArray[np.int64], weights: Shares) -> Flags:
        if self.targets.sexy_recall is None or self.rates["sexy"] == 0:
            return np.ones(len(review), dtype=bool)
        sexy = self.cases.are("sexy")
        explicit, own = self.cases.explicit[sexy], weights[sexy]
        passes = self._uncaught[:, sexy] & (explicit < np.minimum(review, blur)[:, None])
        return np.asarray(passes @ own <= (1 - self.targets.sexy_recall + SLACK) * own.sum())
