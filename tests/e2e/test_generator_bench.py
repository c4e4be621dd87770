"""The generator's own measurement as a whole, small; and a handler that answers for the wrong image is found."""

import json
import sys
from pathlib import Path

from bench_record import finished
from noop import packing, report

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 240
OF_WHAT_WAS_SENT = "hashlib.sha256(payload)"


def test_one_command_measures_every_generator_and_writes_a_report(tmp_path: Path):
    out = tmp_path / "report"
    done = finished([sys.executable, ROOT / "loadtest/generator_bench.py", "--quick", "--out", out], LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in out.iterdir()) == ["generator.json", "generator.md"]
    record = json.loads((out / "generator.json").read_text())
    [one] = record["rounds"]
    assert set(one) == set(report.WHAT)
    for measured in one.values():
        assert measured["answered"] > 0
        assert all(measured["cpu_ms"][group] > 0 for group in report.GROUPS)
    assert "## Must reach" in done.stdout


def test_a_handler_that_answers_for_another_image_ends_it_loudly_and_without_a_report(tmp_path: Path):
    planted, out = tmp_path / "noop_handler.py", tmp_path / "report"
    code = packing.HANDLER.read_text()
    assert OF_WHAT_WAS_SENT in code
    planted.write_text(code.replace(OF_WHAT_WAS_SENT, "hashlib.sha256(b'another')"))
    command = [sys.executable, ROOT / "loadtest/generator_bench.py", "--quick", "--out", out, "--handler", planted]
    done = finished(command, LIMIT_SECONDS)
    assert done.returncode == 3
    assert "WRONG ANSWER" in done.stderr
    assert not out.exists()
