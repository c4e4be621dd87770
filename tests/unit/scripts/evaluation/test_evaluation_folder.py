"""An evaluation is whole where it is at all."""

import math

import pytest

from evaluation.evaluation_folder import write_evaluation
from evaluation.prediction import EvaluationError

FILES = {"evaluation.json", "predictions.jsonl", "report.html", "classes.csv", "plot.png"}


def write(out, record=None):
    record = record or {"number": 1}
    tables, pngs = {"classes.csv": "a,b\n"}, {"plot": b"png"}
    write_evaluation(out, predictions=[], record=record, tables=tables, pngs=pngs, report="<p>")


def test_an_earlier_evaluation_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    out = tmp_path / "found"
    write(out)
    (out / "old.png").write_bytes(b"")
    write(out, {"number": 2})
    assert {file.name for file in out.iterdir()} == FILES
    assert '"number": 2' in (out / "evaluation.json").read_text()
    assert [file.name for file in tmp_path.iterdir()] == ["found"]


def test_an_evaluation_that_stood_aside_when_its_replacing_was_killed_comes_back(tmp_path):
    out = tmp_path / "found"
    write(out)
    out.rename(tmp_path / ".found.old")  # the first of the two renames; then a kill
    with pytest.raises(ValueError, match="JSON"):
        write(out, {"number": math.nan})
    assert {file.name for file in out.iterdir()} == FILES
    assert [file.name for file in tmp_path.iterdir()] == ["found"]


def test_what_is_no_evaluation_is_not_replaced(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(EvaluationError, match="is there and is no evaluation"):
        write(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]
