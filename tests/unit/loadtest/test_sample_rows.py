"""Locust writes raw samples, the campaign reads them: both must mean the same row."""

from dataclasses import asdict, fields
from pathlib import Path

import pytest

from campaign import samples as read_back
from driving import samples as written
from traffic.call import Kind, Outcome


def test_a_written_row_and_one_read_back_have_the_same_columns():
    assert [field.name for field in fields(read_back.Sample)] == list(written.COLUMNS)


@pytest.mark.parametrize("outcome", Outcome)
def test_what_the_generator_writes_the_campaign_reads_back_unchanged(tmp_path: Path, outcome: Outcome):
    sent = written.Sample(
        1000.25, 1000.5, 12.375, Kind.BATCH_4, outcome, "INTERNAL", "backend_failed", 4, 'result 0: "a", b\nc'
    )
    file = written.SampleFile(tmp_path, written.process_name("samples", 0))
    file.add(sent)
    file.close()
    [found] = read_back.read(tmp_path)
    assert asdict(found) == asdict(sent)
