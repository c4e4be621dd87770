"""The folder an evaluation leaves: written beside its place, then put there whole."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.prediction import PREDICTIONS_FILE, EvaluationError, Prediction, write_predictions
from model_sources.publication import is_free, publish, staging_for

RECORD_FILE = "evaluation.json"
REPORT_FILE = "report.html"


def require_ours(out: Path) -> None:
    """Raise EvaluationError for a place that holds anything but an earlier evaluation or an empty folder."""
    if not is_free(out, RECORD_FILE):
        raise EvaluationError(f"{out} is there and is no evaluation; name another place with --out")


def write_evaluation(
    out: Path,
    *,
    predictions: Sequence[Prediction],
    record: Mapping[str, Any],
    tables: Mapping[str, str],
    pngs: Mapping[str, bytes],
    report: str,
) -> None:
    """Write all files of an evaluation, in the place of an earlier one.

    `tables` are by file name, `pngs` by name without ending. What a process that was killed left halfway is undone
    first. Raises EvaluationError as require_ours does.
    """
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    with staging_for(out) as staging:
        require_ours(out)
        write_predictions(staging / PREDICTIONS_FILE, predictions)
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
        (staging / RECORD_FILE).write_text(text + "\n", encoding="utf-8")
        (staging / REPORT_FILE).write_text(report, encoding="utf-8")
        for name, table in tables.items():
            (staging / name).write_text(table, encoding="utf-8")
        for name, png in pngs.items():
            (staging / f"{name}.png").write_bytes(png)
        publish(staging, out)
