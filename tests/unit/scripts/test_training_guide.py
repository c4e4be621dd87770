"""The commands of docs/training.md exist and take what they are given there; tests/e2e/test_model_life.py runs them."""

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from documents import commands_of

ROOT = Path(__file__).resolve().parents[3]
LINES = [
    line
    for block in commands_of("docs/training.md")
    for line in block.splitlines()
    if line.startswith("python scripts/")
]
OPTION = re.compile(r"--[\w-]+")


@cache
def options_of(script: str) -> set[str]:
    done = subprocess.run([sys.executable, ROOT / script, "--help"], capture_output=True, text=True, check=True)
    return set(OPTION.findall(done.stdout))


def test_every_step_is_there():
    assert {Path(shlex.split(line)[1]).stem for line in LINES} == {
        "prepare_data",
        "train",
        "calibrate",
        "evaluate",
        "audit_errors",
        "tune_thresholds",
        "import_verdicts",
        "build_archive",
    }


@pytest.mark.parametrize("line", LINES)
def test_a_documented_command_takes_what_it_is_given(line):
    _, script, *arguments = shlex.split(line)
    assert {one for one in arguments if one.startswith("--")} <= options_of(script)
