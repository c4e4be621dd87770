"""All that an audit of an evaluation's errors found, put together, and as JSON and CSV."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from scipy.stats import fisher_exact

from evaluation.finite import without_nan
from evaluation.label_errors import LabelError, likely_label_errors
from evaluation.metrics import Share
from evaluation.mistakes import Kind, Mistake, mistakes_of
from evaluation.moderation import SAFE, actions_of
from evaluation.neighbours import Neighbour
from evaluation.picture_facts import PictureFacts, columns_of
from evaluation.prediction import Prediction, classes_of, probabilities_of
from evaluation.record import csv_of
from evaluation.slices import Slice, built_in, slices_of
from trust_nsfw.policy import Policy
from trust_nsfw.schema import LABELS, Action, Scores

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Audit:
    """`predictions` are the scored ones, with an action and facts for each; all places are places among them.

    `neighbours` is None where the evaluated images are training images themselves. `standing_out` are the slices with
    more errors than the rest has (Fisher's exact test at 5 %, Bonferroni's correction for the slices tested).
    """

    predictions: tuple[Prediction, ...]
    actions: tuple[Action, ...]
    facts: tuple[PictureFacts | None, ...]
    mistakes: tuple[Mistake, ...]
    label_errors: tuple[LabelError, ...]
    neighbours: tuple[Neighbour, ...] | None
    slices: tuple[Slice, ...]
    standing_out: tuple[str, ...]

    @classmethod
    def of(
        cls,
        predictions: Sequence[Prediction],
        facts: Sequence[PictureFacts | None],
        policy: Policy,
        neighbours: Sequence[Neighbour] | None,
    ) -> Self:
        """Audit scored predictions."""
        actions = actions_of(predictions, policy)
        slices = slices_of(predictions, actions, {**built_in(predictions), **columns_of(facts)})
        return cls(
            predictions=tuple(predictions),
            actions=tuple(actions),
            facts=tuple(facts),
            mistakes=tuple(mistakes_of(predictions, actions)),
            label_errors=tuple(likely_label_errors(probabilities_of(predictions), classes_of(predictions))),
            neighbours=None if neighbours is None else tuple(neighbours),
            slices=tuple(slices),
            standing_out=tuple(_standing_out(slices)),
        )

    @property
    def kinds(self) -> dict[Kind, Share]:
        """How many of the images that could be so mistaken were."""
        counts = Counter(one.kind for one in self.mistakes)
        explicit = sum(one.label not in (*SAFE, "sexy") for one in self.predictions)
        safe = sum(one.label in SAFE for one in self.predictions)
        among = {
            Kind.MISSED: explicit,
            Kind.NOT_BLURRED: explicit,
            Kind.BLURRED: len(self.predictions) - explicit,
            Kind.REVIEWED: safe,
            Kind.CONFUSED: len(self.predictions),
        }
        return {kind: Share.of(counts[kind], among[kind]) for kind in Kind}

    @property
    def confusions(self) -> list[tuple[str, str, int]]:
        """(true class, predicted class, images) of every confusion, the most frequent first."""
        pairs = Counter(
            (one.label, label) for one in self.predictions if (label := Scores(**(one.scores or {})).label) != one.label
        )
        return sorted(((*pair, count) for pair, count in pairs.items()), key=lambda row: (-row[2], row[0], row[1]))

    def record(self) -> dict[str, Any]:
        """Return what audit.json holds of it; null stands for what was not measured."""
        mistaken = {one.place for one in self.mistakes}
        errors_seen = None if self.neighbours is None else sum(one.place in mistaken for one in self.neighbours)
        found = {
            "images": len(self.predictions),
            "kinds": {kind.slug: {"title": str(kind), **asdict(share)} for kind, share in self.kinds.items()},
            "mistakes": len(self.mistakes),
            "confusions": [dict(zip(("label", "predicted", "images"), row, strict=True)) for row in self.confusions],
            "label_errors": {
                "images": len(self.label_errors),
                "among_mistakes": sum(one.place in mistaken for one in self.label_errors),
                "by_label": dict(Counter(self.predictions[one.place].label for one in self.label_errors)),
            },
            "near_duplicates_of_training": None
            if self.neighbours is None
            else {
                "images": len(self.neighbours),
                "among_mistakes": errors_seen,
                "with_another_label": sum(
                    self.predictions[one.place].label != one.training.label for one in self.neighbours
                ),
                "how": dict(Counter(one.how for one in self.neighbours)),
            },
            "slices": [asdict(one) for one in self.slices],
            "standing_out": list(self.standing_out),
        }
        plain: dict[str, Any] = without_nan(found)
        return plain

    def tables(self) -> dict[str, str]:
        """Return the CSV files by name."""
        suspects = {one.place: one for one in self.label_errors}
        seen = {one.place: one for one in self.neighbours or ()}
        mistaken = {one.place: one.kind.slug for one in self.mistakes}
        ranks: Counter[Kind] = Counter()
        errors: list[Sequence[object]] = [ERROR_COLUMNS]
        for one in self.mistakes:
            prediction, fact = self.predictions[one.place], self.facts[one.place]
            ranks[one.kind] += 1
            suspect, neighbour = suspects.get(one.place), seen.get(one.place)
            errors.append(
                (
                    *(one.kind.slug, ranks[one.kind], prediction.file, prediction.label, one.predicted),
                    *(self.actions[one.place], one.confidence),
                    *((prediction.scores or {})[label] for label in LABELS),
                    suspect.likely if suspect else "",
                    neighbour.training.file if neighbour else "",
                    *(prediction.sha256, prediction.format, prediction.width, prediction.height),
                    *_facts(fact),
                )
            )
        labels = [
            (
                *(rank, self.predictions[one.place].file, self.predictions[one.place].label, one.likely),
                *(round(one.margin, 6), self.predictions[one.place].sha256, mistaken.get(one.place, "")),
                seen[one.place].training.label if one.place in seen else "",
            )
            for rank, one in enumerate(self.label_errors, 1)
        ]
        neighbours = [
            (
                *(self.predictions[one.place].file, self.predictions[one.place].label, mistaken.get(one.place, "")),
                *(one.training.file, one.training.label, one.how, one.distance, one.correlation),
            )
            for one in self.neighbours or ()
        ]
        return {
            "errors.csv": csv_of(errors),
            "label_errors.csv": csv_of([LABEL_ERROR_COLUMNS, *labels]),
            "near_duplicates.csv": csv_of([NEIGHBOUR_COLUMNS, *neighbours]),
        }


FACT_COLUMNS = ("aspect", "brightness", "colourfulness", "looks")
ERROR_COLUMNS = (
    *("kind", "rank", "file", "label", "predicted", "action", "confidence", *LABELS),
    *("likely_label", "training_near_duplicate", "sha256", "format", "width", "height", *FACT_COLUMNS),
)
LABEL_ERROR_COLUMNS = ("rank", "file", "label", "likely_label", "margin", "sha256", "mistake", "training_label")
NEIGHBOUR_COLUMNS = (
    *("file", "label", "mistake", "training_file", "training_label", "how", "hash_distance", "correlation"),
)


def _facts(fact: PictureFacts | None) -> tuple[object, ...]:
    if fact is None:
        return ("",) * len(FACT_COLUMNS)
    looks = "drawn" if fact.is_drawn else "photographic"
    return round(fact.aspect, 3), round(fact.brightness, 1), round(fact.colourfulness, 1), looks


def _standing_out(slices: Sequence[Slice]) -> list[str]:
    """Return a sentence for each slice whose images are wrong more often than those of its column's other slices."""
    by_column: dict[str, list[Slice]] = {}
    for one in slices:
        by_column.setdefault(one.column, []).append(one)
    tested = [(one, rest) for one in slices if (rest := [other for other in by_column[one.column] if other != one])]
    found = []
    for one, rest in tested:
        wrong, right = one.accuracy.cases - one.accuracy.hits, one.accuracy.hits
        rest_right = sum(other.accuracy.hits for other in rest)
        rest_wrong = sum(other.accuracy.cases for other in rest) - rest_right
        table = [[wrong, right], [rest_wrong, rest_right]]
        if fisher_exact(table, alternative="greater").pvalue * len(tested) < SIGNIFICANCE:
            found.append(
                f"{one.column} {one.value}: {100 * wrong / one.images:.1f} % of {one.images:,} images are taken for "
                f"another class, {100 * rest_wrong / (rest_wrong + rest_right):.1f} % of the others"
            )
    return found
