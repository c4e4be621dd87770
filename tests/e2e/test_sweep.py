"""The sweep as a whole, small; its last step overloads a server whose queue is as short as model-config.yaml says."""

import json
import subprocess
import sys
from pathlib import Path

from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 400


def test_one_command_finds_settings_and_a_queue_that_refuses_what_it_cannot_answer_in_time(
    tiny_checkpoint: Path, tmp_path: Path
):
    archive, report = tmp_path / "nsfw.mar", tmp_path / "report"
    build(tiny_checkpoint, HANDLER / MODEL_CONFIG, archive)
    command = [sys.executable, ROOT / "loadtest/sweep.py", "--archive", archive, "--quick"]
    command += ["--axes", "batchSize", "--objective", "0.2", "--out", report]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in report.iterdir()) == ["sweep.csv", "sweep.json", "sweep.md", "sweep.png"]
    record = json.loads((report / "sweep.json").read_text())
    assert record["settings"]["batchSize"] in {2, 8}
    assert record["settings"]["jobQueueSize"] == record["queue"]["job_queue_size"]
    assert record["queue"]["busy"] > 0
    assert all(one["images_per_s"] > 0 and one["busy"] == 0 for one in record["measurements"])
