"""The folder an evaluation leaves: written beside its place, then put there whole."""

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.prediction import PREDICTIONS_FILE, EvaluationError, Prediction, write_predictions
from model_sources.publication import is_free

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

    `tables` are by file name, `pngs` by name without ending. Raises EvaluationError as require_ours does.
    """
    require_ours(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        staging = Path(scratch) / "new"
        staging.mkdir()
        write_predictions(staging / PREDICTIONS_FILE, predictions)
        text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
        (staging / RECORD_FILE).write_text(text + "\n", encoding="utf-8")
        (staging / REPORT_FILE).write_text(report, encoding="utf-8")
        for name, table in tables.items():
            (staging / name).write_text(table, encoding="utf-8")
        for name, png in pngs.items():
            (staging / f"{name}.png").write_bytes(png)
        if out.exists():
            out.rename(Path(scratch) / "old")
        staging.rename(out)
        shutil.rmtree(Path(scratch) / "old", ignore_errors=True)
