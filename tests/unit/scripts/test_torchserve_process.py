"""What a TorchServeProcess says when there is nothing to wait for; tests/e2e starts real ones."""

import os
from pathlib import Path

import pytest

from serving.java import JavaNotFoundError
from serving.ports import free_ports
from serving.torchserve_process import StartError, TorchServeProcess
from serving.ts_config import ConfigError, write_config

ROOT = Path(__file__).resolve().parents[3]


def prepare(folder: Path, environ: dict[str, str] | None = None, **overrides: str) -> TorchServeProcess:
    """Prepare a server with an empty model store."""
    (folder / "store").mkdir()
    config_file = write_config(ROOT / "config.properties", folder / "c.properties", free_ports(), overrides)
    return TorchServeProcess(config_file, folder / "store", folder / "logs", environ=environ or os.environ)


def test_a_server_that_was_never_started_stops_without_ado(tmp_path):
    server = prepare(tmp_path)
    assert not server.is_running()
    server.stop()


def test_tls_is_left_to_a_proxy(tmp_path):
    with pytest.raises(ConfigError, match=r"https://127\.0\.0\.1:8443 .*proxy"):
        prepare(tmp_path, inference_address="https://127.0.0.1:8443")


def test_without_java_it_does_not_start_and_leaves_nothing(tmp_path):
    with pytest.raises(JavaNotFoundError, match="scripts/setup"), prepare(tmp_path, {"PATH": str(tmp_path)}):
        pytest.fail("it started")
    assert not (tmp_path / "logs").exists()


def test_a_java_that_refuses_its_arguments_is_quoted(tmp_path):
    with (
        prepare(tmp_path, vmargs="-Xmx2quarts") as server,
        pytest.raises(StartError, match="Invalid maximum heap size"),
    ):
        server.wait_until_ready(limit_seconds=30)
    assert server.session.members() == []
    assert not server.tmp_dir.exists()
