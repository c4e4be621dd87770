"""Models and ports that TorchServe can't serve: it would try for minutes, we say why and leave nothing."""

import json
import signal
import socket
import zipfile
from pathlib import Path

import pytest

from serving.ports import free_ports
from serving.torchserve_process import StartError, TorchServeProcess
from serving.ts_config import write_config

ROOT = Path(__file__).resolve().parents[2]
HANDLER = """
import os

class Handler:
    def initialize(self, context):
        {at_load}

    def handle(self, data, context):
        return [b"{{}}" for _ in data]
"""
SETTINGS = "minWorkers: 1\nmaxWorkers: 1\n"


def prepare(folder: Path, at_load: str, **overrides: str) -> TorchServeProcess:
    """Prepare a server for an archive whose handler does `at_load`."""
    model = {"modelName": "nsfw", "modelVersion": "1.0", "handler": "handler.py", "configFile": "config.yaml"}
    (folder / "store").mkdir()
    with zipfile.ZipFile(folder / "store/nsfw.mar", "w") as archive:
        archive.writestr("MAR-INF/MANIFEST.json", json.dumps({"runtime": "python", "model": model}))
        archive.writestr("handler.py", HANDLER.format(at_load=at_load))
        archive.writestr("config.yaml", SETTINGS)
    config_file = write_config(ROOT / "config.properties", folder / "config.properties", free_ports(), overrides)
    return TorchServeProcess(config_file, folder / "store", folder / "logs")


def failure(server: TorchServeProcess, limit_seconds: float = 60) -> str:
    with server, pytest.raises(StartError) as failure:
        server.wait_until_ready(limit_seconds)
    assert server.session.members() == []
    assert not server.tmp_dir.exists()
    return str(failure.value)


def test_an_import_that_fails_is_quoted(tmp_path):
    assert "ModuleNotFoundError: No module named 'no_such_library'" in failure(
        prepare(tmp_path, "import no_such_library")
    )


def test_a_worker_that_dies_without_a_word_is_noticed(tmp_path):
    killed = prepare(tmp_path, f"os.kill(os.getpid(), {signal.SIGKILL.value})")
    assert "the model could not be loaded" in failure(killed)


def test_a_refusal_gives_the_handlers_reason_alone(tmp_path):
    refusing = 'print("REFUSED TO SERVE: porn is 0.9, recorded was 0.1"); raise RuntimeError("drift")'
    assert failure(prepare(tmp_path, refusing)) == "the model refused to serve: porn is 0.9, recorded was 0.1"


def test_a_model_that_loads_for_ever_has_a_time_limit(tmp_path):
    assert "no worker got ready within 5 s" in failure(
        prepare(tmp_path, "import time; time.sleep(600)"), limit_seconds=5
    )


def test_a_port_taken_in_the_last_moment_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        server = prepare(tmp_path, "pass", metrics_address=address)
        assert f"Failed to bind to address: {address}" in failure(server)


def test_tokens_are_used_where_the_configuration_asks_for_them(tmp_path):
    with prepare(tmp_path, "pass", disable_token_authorization="false") as server:
        server.wait_until_ready()
        assert server.config.needs_tokens
        assert len(server.worker_pids()) == 1
        assert server.key_file.stat().st_mode & 0o077 == 0
