"""The load test's campaign as a whole, small: every stage, both transports, both kinds of server, a planted fault."""

import csv
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import psutil
import pytest

from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG
from bench_record import finished
from campaign.record import Record, Run
from serving.torchserve_process import TorchServeProcess

ROOT = Path(__file__).resolve().parents[2]
LIMIT_SECONDS = 400
SMALL = ["--quick", "--seconds", "1", "--users", "1", "4", "--shares", "50", "150", "--mix-count", "12"]
FILES = {"report.json", "report.html", "summary.md", "runs.csv", "timeline.csv", "samples.csv.gz"}
IN_ORDER = "[reply.body for reply in replies]"
LAST_FIRST = "[reply.body for reply in reversed(replies)]"


@pytest.fixture(scope="module")
def archive(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("archive") / "nsfw.mar"
    build(tiny_checkpoint, HANDLER / MODEL_CONFIG, file)
    return file


def loadtest(*arguments: str | Path):
    return finished([sys.executable, ROOT / "loadtest/run_campaign.py", *SMALL, *arguments], LIMIT_SECONDS)


def record_of(report: Path) -> Record:
    return Record.from_json(json.loads((report / "report.json").read_text()))


def runs_of(record: Record) -> dict[tuple[str, str, str, str], Run]:
    """Return every run by target, stage, setting and round, as samples.csv.gz names them."""
    runs = [("rest", run) for run in record.batching]
    for name, target in record.targets.items():
        runs += [(name, run) for run in (*target.closed, *target.mixed, *target.open, target.overload.run)]
    return {(name, run.stage, run.setting, str(run.round)): run for name, run in runs}


def test_one_command_measures_every_stage_of_both_transports(archive: Path, tmp_path: Path):
    report = tmp_path / "report"
    done = loadtest("--target", "both", "--archive", archive, "--batches", "8", "--knee-steps", "1", "--out", report)
    assert done.returncode == 0, done.stderr + done.stdout
    names = {file.name for file in report.iterdir()}
    assert names > FILES
    assert any(name.endswith(".png") for name in names)
    assert str(report / "report.html") in done.stdout

    record = record_of(report)
    assert record.own_server
    assert list(record.targets) == ["rest", "grpc"]
    assert [run.setting for run in record.batching] == ["batchSize 8"]
    for target in record.targets.values():
        assert [run.users for run in target.closed] == [1, 4]
        assert [run.setting for run in target.open] == ["50 %", "150 %"]
        assert target.capacity_per_s == max(run.answered_per_s for run in target.closed) > 0
        assert len(target.knee.tried) in {2, 3}  # none where the two are as near as they need be
        overload = target.overload
        assert overload.capacity_per_s >= target.capacity_per_s  # the best rate seen in any loop
        assert [rate / overload.capacity_per_s for rate, _ in overload.profile] == pytest.approx(
            [0.5, 1.5, 0.5], abs=0.01
        )
        assert overload.timeline
        assert (overload.unanswered, overload.failed, overload.workers_restarted) == (0, 0, 0)
        assert overload.workers_after == 1
    for run in runs_of(record).values():
        assert run.outcomes.get("wrong", 0) == run.outcomes.get("lost", 0) == run.outcomes.get("failed", 0) == 0
        assert run.latency is not None, run
        assert run.latency.p50 <= run.latency.p99 <= run.latency.most
        answered = sum(run.outcomes.get(name, 0) for name in ("right", "expected_error"))
        # In closed loop late answers count from before the window too, where their latency is no part of it.
        assert answered <= run.latency.count <= answered + run.outcomes.get("late", 0)
        assert run.latency.count == sum(one.count for one in run.by_kind.values())
        assert (run.arrived_per_s is None) == (run.users is not None)
        assert sum(run.errors.values()) == run.failures
        assert run.server.source == "processes"
        assert run.server.worker_cores is not None
    assert sum(record.targets["rest"].closed[1].server.batch_sizes.values()) > 0
    assert record.targets["rest"].closed[1].server.cache_hits == 0
    queues = {name: [run.server.queue_ms for run in target.closed] for name, target in record.targets.items()}
    assert all(wait is not None and wait > 0 for wait in queues["rest"])
    assert any(queues["grpc"])  # a gauge, in ms

    with gzip.open(report / "samples.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    counts = Counter((row["target"], row["stage"], row["setting"], row["round"]) for row in rows)
    assert set(counts) >= set(runs_of(record))
    assert all(counts[name] >= sum(run.outcomes.values()) for name, run in runs_of(record).items())
    assert not [row for row in rows if row["outcome"] == "wrong"]
    assert {"single", "batch4"} < {row["kind"] for row in rows if row["stage"] == "mixed"}


def test_a_server_that_runs_is_measured_as_it_is(server: TorchServeProcess, tmp_path: Path):
    report = tmp_path / "report"
    rest, management, metrics, grpc, _ = server.config.addresses()
    pids = server.worker_pids()
    addresses = ["--host", rest.url, "--management", management.url, "--metrics", metrics.url]
    done = loadtest(*addresses, "--grpc-host", grpc.url.removeprefix("grpc://"), "--knee-steps", "0", "--out", report)
    assert done.returncode == 0, done.stderr + done.stdout
    record = record_of(report)
    assert not record.own_server
    assert record.batching == []
    assert any("Batch settings were left out" in note for note in record.notes)
    assert list(record.targets) == ["rest"]
    assert record.service["maxBatchDelay"] == 50
    assert server.worker_pids() == pids


def test_a_handler_that_swaps_answers_ends_it_loudly_and_without_a_report(archive: Path, tmp_path: Path):
    planted, report = tmp_path / "planted.mar", tmp_path / "reports/report"
    with zipfile.ZipFile(archive) as original, zipfile.ZipFile(planted, "w") as copy:
        for entry in original.infolist():
            content = original.read(entry)
            if entry.filename == "torchserve_handler.py":
                assert IN_ORDER.encode() in content
                content = content.replace(IN_ORDER.encode(), LAST_FIRST.encode())
            copy.writestr(entry, content)
    done = loadtest("--archive", planted, "--users", "16", "--out", report)
    assert done.returncode == 3, done.stderr + done.stdout
    assert "WRONG ANSWER" in done.stderr
    assert "closed, 16 users" in done.stderr
    assert not report.parent.exists()


def test_an_interrupt_leaves_neither_processes_nor_half_a_report(archive: Path, tmp_path: Path):
    report, scratch = tmp_path / "reports/report", tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, ROOT / "loadtest/run_campaign.py", *SMALL, "--archive", archive, "--out", report]
    environment = os.environ | {"TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        for line in process.stdout:
            if "closed" in line:
                break
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "loadtest: interrupted"
    assert len(children) >= 3  # TorchServe's Java, its worker, and a Locust
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    assert list(scratch.iterdir()) == []
    assert not report.parent.exists()


def test_a_report_is_never_written_over_another(tmp_path: Path):
    done = loadtest("--out", tmp_path)
    assert done.returncode == 1
    assert "exists already" in done.stderr


def test_an_archive_that_there_is_not_is_said_in_a_sentence(tmp_path: Path):
    done = loadtest("--archive", "no.mar", "--out", tmp_path / "report")
    assert done.returncode == 1
    assert "no.mar" in done.stderr.splitlines()[-1]


def test_a_command_line_that_makes_no_sense_is_refused_at_once():
    done = loadtest("--users", "0")
    assert done.returncode == 2
    assert "--users 0: must be at least 1" in done.stderr


def test_a_report_compares_with_itself(tmp_path: Path):
    from campaign_record import record

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(record().to_json()))
    command = [sys.executable, ROOT / "loadtest/run_campaign.py", "compare", tmp_path / "a", tmp_path / "b"]
    done = finished(command, LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    assert "REST" in done.stdout
    shutil.rmtree(tmp_path / "b")
    done = finished(command, LIMIT_SECONDS)
    assert done.returncode == 1
    assert "report.json does not exist" in done.stderr
