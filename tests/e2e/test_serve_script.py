"""scripts/serve_model.py as a person types it: what it says, and what it leaves behind (nothing)."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from serving.ports import free_ports
from serving.server_record import ServerRecord
from serving.ts_config import TorchServeConfig, write_config

ROOT = Path(__file__).resolve().parents[2]
NOBODY = "http://127.0.0.1:9"  # the discard port, where no hub answers


class Clone:
    """A copy of the project with ports of its own, so that a server of the developer's goes on undisturbed."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder
        for part in ("handler", "scripts", "deploy", "samples"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(model, folder / "models" / model.name)
        self.config_file = write_config(ROOT / "config.properties", folder / "config.properties", free_ports(), {})
        self.record_file = folder / ".run" / "server.json"

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(self.folder / "scripts/serve_model.py"), *arguments]

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HF_HOME": str(self.folder / "hub-cache"), **environ}
        command = self.command(*arguments)
        return subprocess.run(
            command, check=False, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=180
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start it in the foreground, as in a terminal of its own."""
        command = self.command(*arguments)
        return subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def record(self) -> ServerRecord:
        record = ServerRecord.load(self.record_file)
        assert record is not None
        return record


@pytest.fixture(scope="module")
def clone(tmp_path_factory, starter_checkpoint):
    clone = Clone(tmp_path_factory.mktemp("clone"), starter_checkpoint)
    yield clone
    clone.run("--stop")


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Return what the process printed up to the line with `text`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    pytest.fail(f"{text!r} was never printed:\n{''.join(lines)}")


def assert_nothing_is_left(clone: Clone, record: ServerRecord) -> None:
    assert record.session.members() == []
    assert not Path(record.tmp_dir).exists()
    assert not clone.record_file.exists()
    for address in TorchServeConfig.load(clone.config_file, {}).addresses():
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((address.host, address.port), timeout=1)


def test_without_a_hub_it_says_so_serves_the_starter_and_stops(clone):
    served = clone.run("--detach", HF_ENDPOINT=NOBODY)
    assert served.returncode == 0, served.stderr
    assert "THIS IS NOT THE TRUST MODEL" in served.stderr
    assert re.search(r"Serving nsfwjs/mobilenet_v2@4\.3\.0 \((openvino|torch), ", served.stdout)
    assert "samples/cat.jpg neutral" in served.stdout

    [curl] = [line for line in served.stdout.splitlines() if line.startswith("  curl ")]
    if shutil.which("curl"):
        answer = subprocess.check_output(curl, shell=True, cwd=clone.folder, text=True, timeout=60)
        assert '"label":"neutral"' in answer

    again = clone.run("--model", "starter")
    assert again.returncode == 1
    assert "already runs at" in again.stderr

    record = clone.record()
    stopped = clone.run("--stop")
    assert stopped.returncode == 0
    assert record.inference_url in stopped.stdout
    assert_nothing_is_left(clone, record)
    assert "No server runs" in clone.run("--stop").stdout


def test_ctrl_c_ends_the_server_with_its_launcher(clone):
    with clone.start("--model", "starter") as launcher:
        read_until(launcher, "Ctrl-C ends it")
        record = clone.record()
        assert len(record.session.members()) >= 3
        launcher.send_signal(signal.SIGINT)
        assert launcher.wait(timeout=30) == 0
    assert_nothing_is_left(clone, record)


def test_sigterm_before_it_is_ready_leaves_nothing_either(clone):
    with clone.start("--model", "starter") as launcher:
        read_until(launcher, "Starting TorchServe")
        while not clone.record_file.exists():
            assert launcher.poll() is None
            time.sleep(0.05)
        record = clone.record()
        launcher.send_signal(signal.SIGTERM)
        assert launcher.wait(timeout=30) != 0
    assert_nothing_is_left(clone, record)


def test_stop_from_another_terminal_ends_the_launcher_in_peace(clone):
    with clone.start("--model", "starter") as launcher:
        read_until(launcher, "Ctrl-C ends it")
        record = clone.record()
        assert clone.run("--stop").returncode == 0
        assert launcher.wait(timeout=30) == 0
    assert_nothing_is_left(clone, record)


def test_stop_ends_a_server_whose_launcher_was_killed(clone):
    with clone.start("--model", "starter") as launcher:
        read_until(launcher, "Ctrl-C ends it")
        record = clone.record()
        launcher.kill()
    assert len(record.session.members()) >= 3
    assert clone.run("--stop").returncode == 0
    assert_nothing_is_left(clone, record)


def test_a_server_that_anybody_could_ask_is_refused_by_line(clone):
    original = clone.config_file.read_text()
    try:
        clone.config_file.write_text(original + "metrics_address=http://0.0.0.0:8082\n")
        refused = clone.run("--model", "starter")
    finally:
        clone.config_file.write_text(original)
    assert refused.returncode == 1
    assert "disable_token_authorization=true (config.properties:" in refused.stderr
    assert "metrics_address=http://0.0.0.0:8082 (config.properties:" in refused.stderr


def test_a_port_in_use_is_named(clone):
    address = TorchServeConfig.load(clone.config_file, {}).inference
    with socket.create_server((address.host, address.port)):
        refused = clone.run("--model", "starter")
    assert refused.returncode == 1
    assert f"port {address.port} of 127.0.0.1: in use" in refused.stderr


def test_a_true_vit_is_served_and_says_that_its_weights_are_random(clone):
    served = clone.run("--model", "random-vit", "--detach")
    try:
        assert served.returncode == 0, served.stderr
        assert "WARNING: its weights are random; the scores mean nothing." in served.stdout
        assert re.search(r"Serving random-vit \((openvino|torch), ", served.stdout)
    finally:
        assert clone.run("--stop").returncode == 0


def test_a_folder_elsewhere_never_takes_the_place_of_a_named_model(clone, tiny_checkpoint, tmp_path):
    elsewhere = tmp_path / "starter"
    shutil.copytree(tiny_checkpoint, elsewhere)
    before = (clone.folder / "models/starter/model.safetensors").read_bytes()
    served = clone.run("--model", str(elsewhere), "--detach")
    try:
        assert served.returncode == 0, served.stderr
        assert (clone.folder / "models/starter/model.safetensors").read_bytes() == before
    finally:
        assert clone.run("--stop").returncode == 0


def test_explicit_trust_never_falls_back(clone):
    refused = clone.run("--model", "trust", HF_ENDPOINT=NOBODY)
    assert refused.returncode == 1
    assert "trust can't be served" in refused.stderr
    assert not clone.record_file.exists()
