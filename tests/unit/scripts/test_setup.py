"""scripts/setup and its neighbours where something is missing, in a copy that nothing is installed into."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A clone before its first setup."""
    (tmp_path / "scripts").mkdir()
    for name in ("setup", "stop"):
        shutil.copy(ROOT / "scripts" / name, tmp_path / "scripts" / name)
    return tmp_path


def run(copy: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", copy / "scripts" / script],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_missing_python_is_one_sentence(copy):
    done = run(copy, "setup", PYTHON="no-such-python")
    assert (done.returncode, done.stderr) == (1, "error: there is no no-such-python; install Python 3.11 or newer\n")


def test_nothing_runs_before_the_first_setup(copy):
    done = run(copy, "stop")
    assert (done.returncode, done.stdout) == (0, "No server runs.\n")


def test_a_second_setup_finds_nothing_to_do():
    stamp = ROOT / ".venv/.setup"
    before = stamp.stat().st_mtime_ns
    done = subprocess.run([ROOT / "scripts/setup"], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert stamp.stat().st_mtime_ns == before
