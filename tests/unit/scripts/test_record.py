"""source.json: what is written is read, and what cannot be true is refused."""

import json
from pathlib import Path

import pytest

from model_sources.record import SOURCE_FILE, SourceRecord
from trust_nsfw.errors import CheckpointError


def test_a_written_record_reads_back_and_leaves_no_other_file(tmp_path: Path) -> None:
    record = SourceRecord("owner/model", revision="abc", weights="random", license="mit")
    record.write(tmp_path)
    assert SourceRecord.read(tmp_path) == record
    assert [file.name for file in tmp_path.iterdir()] == [SOURCE_FILE]


def test_a_checkpoint_without_a_record_is_a_local_one_named_by_its_directory(tmp_path: Path) -> None:
    directory = tmp_path / "fine-tuned"
    directory.mkdir()
    assert SourceRecord.read(directory) == SourceRecord("fine-tuned", revision=None, weights="trained", license=None)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"checkpoint": "a/b", "wieghts": "random"}, "unknown key wieghts"),
        ({"checkpoint": "a/b", "weights": "borrowed"}, "weights is 'borrowed'"),
        ({"checkpoint": "a/b", "weights": None}, "weights is None"),
        ({"checkpoint": "a/b", "license": ["mit"]}, "license must be text or null"),
        ({"revision": "abc"}, "checkpoint is missing"),
        ([], "holds no JSON object"),
    ],
)
def test_a_malformed_record_is_refused_with_its_key(content: object, complaint: str, tmp_path: Path) -> None:
    (tmp_path / SOURCE_FILE).write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=complaint):
        SourceRecord.read(tmp_path)
