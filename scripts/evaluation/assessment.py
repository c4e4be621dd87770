"""All figures of one evaluation, put together from predictions, and what a reader must be warned of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from evaluation.classification import Classification
from evaluation.moderation import Moderation, actions_of
from evaluation.prediction import Prediction, classes_of, probabilities_of, scored
from evaluation.ranking import Ranking
from evaluation.reliability import Calibration
from evaluation.slices import FEW_CASES, Columns, Slice, built_in, slices_of
from evaluation.training_twins import TrainingTwins
from trust_nsfw.policy import Policy
from trust_nsfw.schema import GROUPS, LABELS, Action

RANKED_GROUPS = ("explicit", "nsfw")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What an evaluation found. `scored`, with the action for each in `actions`, are the predictions that have scores.

    Everything but `unreadable` (images that could not be scored, by code) is of those. `groups` is how many groups of
    near-duplicates they make, None where that is not known. `twins` says which have a near-duplicate among the
    training images; `unleaked` is what is found without those, None where there are none, or it is not known.
    """

    scored: tuple[Prediction, ...]
    actions: tuple[Action, ...]
    images: int
    unreadable: dict[str, int]
    labels: dict[str, int]
    groups: int | None
    twins: TrainingTwins
    unleaked: Classification | None
    classification: Classification
    rankings: tuple[Ranking, ...]
    moderation: Moderation
    calibration: Calibration
    slices: tuple[Slice, ...]

    @classmethod
    def of(
        cls,
        predictions: Sequence[Prediction],
        policy: Policy,
        columns: Columns,
        twins: TrainingTwins | None = None,
    ) -> Self:
        """Assess predictions; `columns` has a value for each scored one.

        Raises EvaluationError when none has scores.
        """
        fine = scored(predictions)
        probabilities, classes = probabilities_of(fine), classes_of(fine)
        actions = actions_of(fine, policy)
        groups = {one.group for one in fine}
        twins = twins or TrainingTwins()
        own = [one for place, one in enumerate(fine) if place not in (twins.places or ())]
        return cls(
            scored=tuple(fine),
            actions=tuple(actions),
            images=len(predictions),
            unreadable=dict(Counter(one.error for one in predictions if one.error is not None).most_common()),
            labels={label: sum(one.label == label for one in predictions) for label in LABELS},
            groups=None if None in groups else len(groups),
            twins=twins,
            unleaked=Classification.of(probabilities_of(own), classes_of(own)) if twins.places and own else None,
            classification=Classification.of(probabilities, classes),
            rankings=tuple(Ranking.of(probabilities, classes, group) for group in RANKED_GROUPS),
            moderation=Moderation.of([one.label for one in fine], actions),
            calibration=Calibration.of(probabilities, classes),
            slices=tuple(slices_of(fine, actions, {**columns, **built_in(fine)})),
        )

    @property
    def leaked(self) -> int | None:
        """How many scored images have a near-duplicate among the training images; None where that is not known."""
        return None if self.twins.places is None else len(self.twins.places)

    @property
    def warnings(self) -> list[str]:
        """What makes figures mean less than they seem to, most serious first."""
        found = []
        if missing := self.classification.missing:
            names, them = " and ".join(missing), "them" if len(missing) > 1 else "it"
            groups = [group for group, members in GROUPS.items() if set(members) & set(missing)]
            without = "".join(f", {group}" for group in groups)
            found.append(
                f"No image of {names} could be evaluated: every figure of {them} is not measured, and what sums up "
                f"several classes (averages{without}) leaves {them} out."
            )
        if self.leaked:
            apart = (
                ""
                if self.unleaked is None
                else f"; without them accuracy is {100 * self.unleaked.accuracy.value:.1f} %"
            )
            found.append(
                f"{self.leaked:,} of {len(self.scored):,} images have near-duplicates in the training split: what the "
                f"model has seen makes it look better than it is{apart}."
            )
        if self.twins.is_doubtful:
            found.append(self.twins.basis)
        if self.unreadable:
            codes = ", ".join(f"{count} {code}" for code, count in self.unreadable.items())
            found.append(
                f"{sum(self.unreadable.values()):,} of {self.images:,} images could not be scored: {codes}. No other "
                "figure counts them; in service such an image is an error, never an allow."
            )
        few = [
            f"{figures.support} of {label}"
            for label, figures in self.classification.classes.items()
            if 0 < figures.support < FEW_CASES
        ]
        if few:
            found.append(f"There are only {', '.join(few)}: intervals are wide, and figures without one are rough.")
        return found

    @property
    def independence(self) -> str:
        """What the intervals take for granted."""
        text = "Intervals are 95 % (Wilson) and count images as independent"
        if self.groups is None:
            return f"{text}; whether some are near-duplicates of each other is not known here."
        if self.groups == len(self.scored):
            return f"{text}; no two of these are known to be near-duplicates."
        return (
            f"{text}. The {len(self.scored):,} images are in {self.groups:,} groups of near-duplicates, which tend to "
            "be right or wrong together, so the true intervals are wider."
        )
