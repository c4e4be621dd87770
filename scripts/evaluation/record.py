"""Everything an evaluation found as one JSON document, and its tables as CSV files."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from evaluation.assessment import Assessment
from evaluation.finite import without_nan
from evaluation.prediction import Prediction
from evaluation.robustness import Robustness
from evaluation.speed import Speed
from trust_nsfw.policy import Policy
from trust_nsfw.schema import LABELS, Action

Row = Sequence[object]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was evaluated on what: the data, what scored them, the policy, the machine, and when (UTC, ISO 8601)."""

    started_utc: str
    data: dict[str, Any]
    model: dict[str, Any]
    policy: Policy
    machine: dict[str, Any]


def record_of(
    assessment: Assessment,
    circumstances: Circumstances,
    speed: Speed,
    robustness: Robustness | None,
    attributes: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return what evaluation.json holds; null stands for what was not measured."""
    classification = assessment.classification
    unleaked = assessment.unleaked
    record = {
        "started_utc": circumstances.started_utc,
        "data": circumstances.data
        | {
            "images": assessment.images,
            "scored": len(assessment.scored),
            "unreadable": assessment.unreadable,
            "labels": assessment.labels,
            "missing_classes": list(classification.missing),
            "groups": assessment.groups,
            "near_duplicates_in_training": assessment.leaked,
            "near_duplicates_basis": assessment.twins.basis,
        },
        "model": circumstances.model,
        "policy": asdict(circumstances.policy),
        "machine": circumstances.machine,
        "warnings": assessment.warnings,
        "intervals": assessment.independence,
        "classification": asdict(classification) | {"confusion_shares": classification.confusion_shares.tolist()},
        "classification_without_near_duplicates_in_training": None if unleaked is None else asdict(unleaked),
        "ranking": {
            one.group: {
                "positives": one.positives,
                "negatives": one.negatives,
                "auc": one.auc,
                "average_precision": one.average_precision,
            }
            for one in assessment.rankings
        },
        "moderation": asdict(assessment.moderation),
        "calibration": asdict(assessment.calibration),
        "speed": asdict(speed),
        "robustness": None if robustness is None else asdict(robustness),
        "attributes": attributes,
        "slices": [asdict(one) for one in assessment.slices],
    }
    plain: dict[str, Any] = without_nan(record)
    return plain


def tables_of(
    assessment: Assessment, predictions: Sequence[Prediction], robustness: Robustness | None
) -> dict[str, str]:
    """Return CSV files by name; an empty field is what was not measured."""
    classification, moderation = assessment.classification, assessment.moderation
    tables: dict[str, Iterable[Row]] = {
        "classes.csv": [
            ("class", "support", "precision", "recall", "f1"),
            *((name, one.support, one.precision, one.recall, one.f1) for name, one in classification.classes.items()),
        ],
        "confusion.csv": _matrix(classification.confusion),
        "confusion_shares.csv": _matrix(classification.confusion_shares.tolist()),
        "actions.csv": [
            ("true class", *Action),
            *((label, *counts.values()) for label, counts in moderation.actions.items()),
        ],
        "false_negatives.csv": [
            ("class", "what", *SHARE_COLUMNS),
            *(
                (name, what, *_share(asdict(missed)[key]))
                for name, missed in moderation.missed.items()
                for key, what in (("allowed", "allowed"), ("not_blurred", "not blurred"))
            ),
        ],
        "curves.csv": [
            ("group", "curve", "x", "y"),
            *(
                (one.group, curve, x, y)
                for one in assessment.rankings
                for curve, points in (("roc", one.roc), ("precision_recall", one.precision_recall))
                for x, y in points.T.tolist()
            ),
        ],
        "reliability.csv": [
            ("of", "from", "to", "mean probability", *SHARE_COLUMNS),
            *(
                (name, one.low, one.high, one.mean_probability, *_share(asdict(one.came_true)))
                for name in ("top_label", "explicit")
                for one in getattr(assessment.calibration, name)
            ),
        ],
        "slices.csv": _flat([asdict(one) for one in assessment.slices]),
        "unreadable.csv": [
            ("file", "label", "code"),
            *((one.file, one.label, one.error) for one in predictions if one.error is not None),
        ],
    }
    if robustness is not None:
        tables["robustness.csv"] = _flat([asdict(one) for one in robustness.effects])
    return {name: csv_of(rows) for name, rows in tables.items()}


SHARE_COLUMNS = ("hits", "cases", "share", "low", "high")


def _share(share: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(share[key] for key in ("hits", "cases", "value", "low", "high"))


def _matrix(rows: Sequence[Sequence[object]]) -> list[Row]:
    return [("true \\ predicted", *LABELS), *((label, *row) for label, row in zip(LABELS, rows, strict=True))]


def _flat(records: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return a header and a row per record, nested keys joined by a dot."""
    rows = [dict(_leaves(record)) for record in records]
    return [tuple(rows[0]), *(tuple(row.values()) for row in rows)] if rows else []


def _leaves(record: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, object]]:
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def csv_of(rows: Iterable[Row]) -> str:
    """Return rows as CSV; an empty field for None and NaN."""
    text = io.StringIO()
    measured = (["" if without_nan(value) is None else value for value in row] for row in rows)
    csv.writer(text, lineterminator="\n").writerows(measured)
    return text.getvalue()
