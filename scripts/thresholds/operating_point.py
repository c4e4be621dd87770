"""Four thresholds in the shape of the default policy, and the action each image gets by them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thresholds.cases import UNIT, Cases
from trust_nsfw.policy import Policy, Rule
from trust_nsfw.schema import Action

ALLOW, REVIEW, BLUR, ERROR = range(4)
"""Actions as numbers; ERROR is an image without scores."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Thresholds in millionths; None where that score is not asked.

    explicit >= blur: blur. Else sexy >= sexy, explicit >= review or nsfw >= nsfw: review. Else allow.
    """

    blur: int
    review: int | None = None
    sexy: int | None = None
    nsfw: int | None = None

    def actions(self, cases: Cases) -> NDArray[np.int8]:
        """Return every image's action, int8 [N]. One without scores is an error, never an allow."""
        found = np.full(len(cases), ALLOW, dtype=np.int8)
        for score, threshold in ((cases.sexy, self.sexy), (cases.explicit, self.review), (cases.nsfw, self.nsfw)):
            if threshold is not None:
                found[score >= threshold] = REVIEW
        found[cases.explicit >= self.blur] = BLUR
        found[cases.unscored] = ERROR
        return found

    def policy(self, name: str, version: str) -> Policy:
        """Return the policy; a rule without thresholds is left out."""
        suggestive = {} if self.sexy is None else {"sexy": self.sexy / UNIT}
        unsure = {"explicit": self.review, "nsfw": self.nsfw}
        uncertain = {score: threshold / UNIT for score, threshold in unsure.items() if threshold is not None}
        rules = (
            Rule("explicit", Action.BLUR, "any", {"explicit": self.blur / UNIT}),
            Rule("suggestive", Action.REVIEW, "any", suggestive),
            Rule("uncertain", Action.REVIEW, "any", uncertain),
        )
        return Policy(name, version, tuple(rule for rule in rules if rule.thresholds), Action.ALLOW)

    def thresholds(self) -> dict[str, float | None]:
        """Return the published numbers by threshold: blur, review, sexy, nsfw."""
        values = {"blur": self.blur, "review": self.review, "sexy": self.sexy, "nsfw": self.nsfw}
        return {name: None if value is None else value / UNIT for name, value in values.items()}
