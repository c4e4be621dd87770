"""The sweep as a whole, small; its last step overloads a server whose queue is as short as model-config.yaml says."""

import json
import sys
from pathlib import Path

from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG
from bench_record import finished

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 400


def test_one_command_finds_settings_and_a_queue_that_refuses_what_it_cannot_answer_in_time(
    tiny_checkpoint: Path, tmp_path: Path
):
    archive, report = tmp_path / "nsfw.mar", tmp_path / "report"
    build(tiny_checkpoint, HANDLER / MODEL_CONFIG, archive)
    command = [sys.executable, ROOT / "loadtest/sweep.py", "--archive", archive, "--quick"]
    command += ["--axes", "batchSize", "--objective", "0.2", "--out", report]
    done = finished(command, LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in report.iterdir()) == ["sweep.csv", "sweep.json", "sweep.md", "sweep.png"]
    record = json.loads((report / "sweep.json").read_text())
    assert record["settings"]["batchSize"] in {2, 8}
    assert record["settings"]["jobQueueSize"] == record["queue"]["job_queue_size"]
    assert record["queue"]["busy"] > 0
    assert [(one["round"], one["users"]) for one in record["together"]] == [(1, 16)]
    assert record["queue"]["capacity_images_per_s"] == record["together"][0]["images_per_s"]
    assert all(one["images_per_s"] > 0 and one["busy"] == 0 for one in record["measurements"])


def test_an_axis_that_there_is_not_is_refused_at_once():
    done = finished([sys.executable, ROOT / "loadtest/sweep.py", "--archive", "no.mar", "--axes", "batchsize"], 60)
    assert done.returncode == 2
    assert "invalid choice: 'batchsize'" in done.stderr


def test_an_archive_that_there_is_not_is_said_in_a_sentence():
    done = finished([sys.executable, ROOT / "loadtest/sweep.py", "--archive", "no.mar", "--quick"], 60)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "sweep: [Errno 2] No such file or directory: 'no.mar'"
