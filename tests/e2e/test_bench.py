"""The benchmark as a whole, small: it measures, it writes, and it fails loudly."""

import csv
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from baseline.packing import HANDLER
from bench_record import finished

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 300
ALL_IN_ORDER = "in data.tolist()]"
LAST_ONE_FIRST = "in data.roll(1, 0).tolist()]"


@pytest.fixture
def bench(tiny_checkpoint: Path, tmp_path: Path):
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, ROOT / "loadtest/bench.py", "--quick", "--model", tiny_checkpoint]
        command += ["--out", tmp_path / "report", *arguments]
        return finished(command, LIMIT_SECONDS)

    return run


def test_one_command_measures_everything_and_writes_a_report(bench, tmp_path: Path):
    done = bench()
    assert done.returncode == 0, done.stderr
    report = tmp_path / "report"
    assert sorted(file.name for file in report.iterdir()) == ["bench.csv", "bench.json", "bench.md", "bench.png"]
    record = json.loads((report / "bench.json").read_text())
    [one] = record["rounds"]
    batch = record["contenders"]["ours"]["model_config"]["batchSize"]
    assert one["ours"]["batch"] == batch
    for rate in (one["ours"]["engine"], one["ours"]["pipeline"], one["ours"]["load"]["32"]["images_per_s"]):
        assert rate > 0
    assert one["peaks_gflops"]["int8"] > 0
    assert 1 < one["ours"]["load"]["32"]["mean_batch"] <= batch
    assert sum(record["contenders"]["ours"]["actions"].values()) == record["options"]["pictures"]
    counted = [load["answered"] for name in ("ours", "stock") for load in one[name]["load"].values()]
    counted += [one["ours"]["lone"]["answered"], one["ours"]["reuploads"]["answered"]]
    assert record["checked_answers"] == sum(counted)
    assert record["memory"]["stock"]["served"]["rss"] > 100
    with (report / "bench.csv").open() as file:
        figures = {row["figure"] for row in csv.DictReader(file)}
    assert {
        "our server / stock server, 16 users",
        "start to READY",
        "stock: server, 32 users",
        "ours: p99, 1 user",
    } <= figures
    assert "## Must reach" in (report / "bench.md").read_text()
    with Image.open(report / "bench.png") as picture:
        assert picture.width > 1000


def test_a_handler_that_swaps_answers_ends_it_loudly_and_without_a_report(bench, tmp_path: Path):
    planted = tmp_path / "planted_handler.py"
    code = HANDLER.read_text()
    assert ALL_IN_ORDER in code
    planted.write_text(code.replace(ALL_IN_ORDER, LAST_ONE_FIRST))
    done = bench("--stock-handler", planted)
    assert done.returncode == 3
    assert "WRONG ANSWER" in done.stderr
    assert "/predictions/stock" in done.stderr
    assert not (tmp_path / "report").exists()


def test_an_archive_of_another_checkpoint_is_refused_before_anything_starts(bench, tmp_path: Path):
    other = tmp_path / "other.mar"
    with zipfile.ZipFile(other, "w") as content:
        content.writestr("manifest.json", json.dumps({"sha256": "0" * 64}))
    done = bench("--archive", other)
    assert done.returncode == 1
    assert "other.mar holds the weights 000000000000" in done.stderr
    assert not (tmp_path / "report").exists()


def test_a_single_user_is_refused_at_once(bench):
    done = bench("--users", "1", "16")
    assert done.returncode == 2
    assert "--users must be at least 2" in done.stderr


def test_help_names_the_statuses(bench):
    done = bench("--help")
    assert "ends it with status 3" in done.stdout
