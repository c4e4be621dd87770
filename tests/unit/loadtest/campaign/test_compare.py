import json
from dataclasses import replace
from pathlib import Path

import pytest

from campaign import compare
from campaign.compare import Row
from campaign.record import Record, TargetRecord
from campaign_record import bare_record, record, with_target


def write(folder: Path, one: Record) -> Path:
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps(one.to_json()))
    return folder


def faster(target: TargetRecord, factor: float) -> TargetRecord:
    closed = [replace(run, answered_per_s=factor * run.answered_per_s) for run in target.closed]
    return replace(target, closed=closed, capacity_per_s=factor * target.capacity_per_s)


def row_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(f"| {name} |"))


@pytest.mark.parametrize(
    ("a", "b", "more_is_better", "ratio", "verdict"),
    [
        ((10.0, 11.0, 12.0), (20.0, 22.0, 24.0), True, 2.0, "**beyond the spread**, better"),
        ((10.0, 11.0, 12.0), (20.0, 22.0, 24.0), False, 2.0, "**beyond the spread**, worse"),
        ((10.0, 11.0, 12.0), (20.0, 22.0, 24.0), None, 2.0, "beyond the spread"),
        ((20.0, 22.0), (10.0, 11.0), True, 0.5, "**beyond the spread**, worse"),
        ((10.0, 12.0), (12.0, 20.0), True, 16 / 11, "within the spread"),
        ((10.0, 20.0), (12.0, 13.0), True, 12.5 / 15, "within the spread"),
        ((10.0,), (20.0, 21.0), True, 2.05, "unknown, one round"),
        ((), (20.0,), True, None, "only in B"),
        ((20.0,), (), True, None, "only in A"),
        ((0.0, 0.0), (1.0, 1.0), True, None, "**beyond the spread**, better"),
    ],
)
def test_a_difference_counts_when_no_rounds_overlap(a, b, more_is_better, ratio, verdict):
    row = Row("figure", "ms", a, b, more_is_better)
    assert row.ratio == (None if ratio is None else pytest.approx(ratio))
    assert row.verdict == verdict


def test_two_reports_of_the_same_differ_in_nothing(tmp_path):
    text = compare.run(write(tmp_path / "a", record()), write(tmp_path / "b", record()), None)
    assert "Machine, model and settings are the same." in text
    assert "beyond the spread**" not in text
    assert row_of(text, "capacity").endswith("| 1.00 | within the spread |")


def test_a_faster_server_shows_and_is_written_down(tmp_path):
    one = record()
    other = replace(one, targets={"rest": faster(one.targets["rest"], 1.3), "grpc": one.targets["grpc"]})
    out = tmp_path / "comparison.md"
    text = compare.run(write(tmp_path / "a", one), write(tmp_path / "b", other), out)
    assert out.read_text() == text
    assert row_of(text, "capacity").endswith("| 1.30 | **beyond the spread**, better |")
    for name in ("throughput, 16 users", "p99, 64 users", "p50, 80 % of its own capacity", "mean batch at capacity"):
        assert row_of(text, name)
    assert row_of(text, "knee").endswith("| 1.00 | unknown, one round |")
    assert "## Batch settings" in text


def test_what_differs_is_listed_first_and_other_machines_loudly():
    one = record()
    other = replace(one, machine={**one.machine, "cpu": "Another"}, service={**one.service, "batchSize": 16})
    text = compare.markdown(one, other, "a", "b")
    assert "WARNING: these are different machines (cpu)" in text
    assert row_of(text, "service.batchSize") == "| service.batchSize | 8 | 16 |"
    assert text.index("WARNING") < text.index("## REST")


def test_other_versions_are_no_other_machine():
    one = record()
    versions = {**one.machine["versions"], "torch": "3.0"}
    text = compare.markdown(one, replace(one, machine={**one.machine, "versions": versions}), "a", "b")
    assert row_of(text, "machine.versions.torch") == "| machine.versions.torch | 2.13.0 | 3.0 |"
    assert "WARNING" not in text


def test_another_objective_or_traffic_is_listed():
    one = record()
    target = one.targets["rest"]
    closed = [replace(run, traffic="batch4=1") for run in target.closed]
    other = with_target(one, knee=replace(target.knee, objective_ms=500.0), closed=closed)
    found = compare.differences(one, other)
    assert found == {"rest.closed.traffic": ("single=1", "batch4=1"), "rest.objective_ms": (2000.0, 500.0)}


def test_how_long_a_lone_request_took_is_no_setting_that_could_differ():
    one = record()
    assert compare.differences(one, replace(one, lone_p50_ms=1.5 * one.lone_p50_ms)) == {}


def test_what_only_one_report_has_is_said(tmp_path):
    text = compare.markdown(record(), bare_record(), "a", "b")
    assert "gRPC was measured only in A." in text
    assert row_of(text, "knee").endswith("|  | only in A |")
    assert "unknown, one round" in text
    neither = compare.markdown(bare_record(), bare_record(), "a", "b")
    assert row_of(neither, "knee") == "| knee | none | none |  |  |"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "does not exist"),
        ("not json", "can't be read"),
        ("[]", "no JSON object"),
        ('{"format": 99}', "a report of format 99; this reads format 1"),
        ('{"format": 1}', "no 'targets'"),
        ('{"format": 1, "targets": {}, "batching": []}', "missing"),
    ],
)
def test_a_folder_without_a_readable_report_is_named(tmp_path, content, words):
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(ValueError, match="report.json") as caught:
        compare.load(tmp_path)
    assert words in str(caught.value)
