"""The record of a running server: whole or absent, one at a time, forgotten with its server."""

import json
import os
import subprocess

import pytest

from serving.process_session import ProcessSession
from serving.server_record import AlreadyRunningError, DamagedRecordError, ServerRecord, forget_or_refuse


@pytest.fixture
def sleeper():
    """A process that stands for a server."""
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        yield process
        process.kill()


@pytest.fixture
def record(sleeper, tmp_path):
    (tmp_path / "tmp").mkdir()
    session = ProcessSession.led_by(sleeper.pid)
    return ServerRecord(session, str(tmp_path / "tmp"), "http://127.0.0.1:8080", "http://127.0.0.1:8081")


def test_a_record_comes_back_as_it_was_written(record, tmp_path):
    path = tmp_path / "run" / "server.json"
    record.save(path)
    assert ServerRecord.load(path) == record
    assert [entry.name for entry in path.parent.iterdir()] == ["server.json"]


def test_no_record_is_none(tmp_path):
    assert ServerRecord.load(tmp_path / "server.json") is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"session": {}}', json.dumps({"pid": 1})])
def test_a_damaged_record_is_named_rather_than_guessed_at(tmp_path, text):
    (tmp_path / "server.json").write_text(text)
    with pytest.raises(DamagedRecordError, match=r"server\.json is damaged"):
        ServerRecord.load(tmp_path / "server.json")


def test_a_second_server_is_refused_while_the_first_lives(record, tmp_path):
    path = tmp_path / "server.json"
    record.save(path)
    with pytest.raises(AlreadyRunningError, match=r"already runs at http://127\.0\.0\.1:8080; scripts/stop"):
        forget_or_refuse(path)
    with pytest.raises(AlreadyRunningError):
        record.save(path)
    assert ServerRecord.load(path) == record


def test_stopping_ends_the_server_and_forgets_it(record, sleeper, tmp_path):
    path = tmp_path / "server.json"
    record.save(path)
    record.stop(path)
    assert sleeper.wait(timeout=5) != 0
    assert not path.exists()
    assert not (tmp_path / "tmp").exists()


def test_what_a_dead_server_left_is_cleared(record, sleeper, tmp_path):
    path = tmp_path / "server.json"
    record.save(path)
    os.kill(sleeper.pid, 9)
    sleeper.wait()
    forget_or_refuse(path)
    assert not path.exists()
    assert not (tmp_path / "tmp").exists()
