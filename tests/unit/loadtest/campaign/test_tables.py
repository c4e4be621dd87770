import csv
import io
import json

import pytest

from campaign import tables
from campaign.record import Record
from campaign_record import bare_record, record


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_run_has_its_row():
    rows = rows_of(tables.runs_csv(record()))
    assert len(rows) == 2 * (7 * 3 + 3 + 4 * 3 + 1) + 6 * 3
    first = rows[0]
    assert (first["target"], first["stage"], first["setting"], first["users"]) == ("rest", "closed", "1 user", "1")
    assert float(first["latency_p50_ms"]) < float(first["latency_p99_ms"])
    over = next(row for row in rows if row["stage"] == "overload")
    assert over["errors"] == f"overloaded={over['refused']}"
    assert rows[-1]["target"] == ""


def test_what_could_not_be_seen_is_an_empty_cell():
    first = rows_of(tables.runs_csv(bare_record()))[0]
    assert (first["worker_cores"], first["mean_batch"], first["refusal_p99_ms"]) == ("", "", "")


def test_the_timeline_has_a_row_per_moment_and_target():
    rows = rows_of(tables.timeline_csv(record()))
    assert len(rows) == 140
    assert {row["target"] for row in rows} == {"rest", "grpc"}
    assert {row["p99_ms"] for row in rows_of(tables.timeline_csv(bare_record()))} == {""}


@pytest.mark.parametrize("one", [record(), bare_record()], ids=["whole", "bare"])
def test_a_record_read_back_from_json_is_shown_the_same(one):
    again = Record.from_json(json.loads(json.dumps(one.to_json())))
    assert tables.runs_csv(again) == tables.runs_csv(one)
    assert tables.summary(again) == tables.summary(one)


def test_the_summary_answers_and_doubts():
    whole = tables.summary(record())
    assert "- It takes 38.9 requests/s" in whole and "Nothing doubtful was seen." in whole
    bare = tables.summary(bare_record())
    assert "| Recovery | **bad** |" in bare and "## Doubtful" in bare
    assert "another way" in tables.summary(record(notes=["measured another way"]))
