"""Raw samples on disk."""

import csv
from pathlib import Path

from driving.samples import COLUMNS, Sample, SampleFile
from traffic.call import Kind, Outcome

WRONG = Sample(1000.25, 1000.5, 12.34567, Kind.BATCH_4, Outcome.WRONG, "200", "internal", 4, 'result 0: "a", b')


def test_a_sample_can_be_read_back(tmp_path: Path):
    samples = SampleFile(tmp_path / "new", "samples-0-1")
    samples.add(WRONG)
    samples.close()
    [row] = csv.DictReader((tmp_path / "new/samples-0-1.csv").read_text().splitlines())
    assert tuple(row) == COLUMNS
    assert list(row.values()) == [
        "1000.250000", "1000.500000", "12.346", "batch4", "wrong", "200", "internal", "4", 'result 0: "a", b',
    ]  # fmt: skip


def test_a_file_bears_its_name_only_when_it_is_whole(tmp_path: Path):
    samples = SampleFile(tmp_path, "samples-0-1")
    assert [file.name for file in tmp_path.iterdir()] == ["samples-0-1.csv.part"]
    samples.close()
    samples.close()
    assert [file.name for file in tmp_path.iterdir()] == ["samples-0-1.csv"]


def test_a_second_test_of_the_same_process_leaves_the_first_ones_samples(tmp_path: Path):
    for _ in range(2):
        SampleFile(tmp_path, "samples-0-1").close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["samples-0-1-2.csv", "samples-0-1.csv"]
