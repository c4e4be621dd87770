"""An error of the system that names no file still names something."""

from types import ModuleType

import pytest

import audit_errors
import calibrate
import evaluate


@pytest.mark.parametrize(
    ("command", "step", "arguments"),
    [
        (evaluate, "evaluate", ["--model", "mine", "--data", "data"]),
        (audit_errors, "audit_errors", ["mine", "--data", "data"]),
        (calibrate, "calibrate", ["--model", "mine", "--data", "data"]),
    ],
)
def test_an_error_without_a_file_name_says_no_none(command: ModuleType, step: str, arguments, monkeypatch, capsys):
    def full(options: object) -> int:
        raise OSError("the disk is full")

    monkeypatch.setattr(command, step, full)
    assert command.main(arguments) == 1
    said = capsys.readouterr().err
    assert "the disk is full" in said
    assert "None" not in said
