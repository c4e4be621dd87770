"""What the README and docs/api.md tell a user to type, typed."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from answers import check_answer
from documents import at_ports, blocks_of, commands_of
from locust_run import GRPC, REST
from serving.ports import free_ports
from serving.torchserve_process import TorchServeProcess
from serving.ts_config import write_config

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the documents' commands use curl")
SETTLED_SECONDS = 120


@pytest.mark.parametrize("document", ["README.md", "docs/api.md"])
def test_every_curl_of_a_document_is_answered(server: TorchServeProcess, document):
    curls = {line for block in commands_of(document) for line in block.splitlines() if line.startswith("curl ")}
    assert curls
    for line in sorted(curls):
        command = at_ports(line.split("   #")[0], server.config.inference.port, server.config.management.port)
        typed = f"{command} --silent --fail-with-body"
        done = subprocess.run(["bash", "-c", typed], cwd=ROOT, capture_output=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        answer = json.loads(done.stdout) if "-o /dev/null" not in line else None
        if isinstance(answer, dict) and "results" in answer:
            check_answer(answer)


def test_the_readmes_python_prints_an_action(server: TorchServeProcess):
    [code] = [block for language, block in blocks_of("README.md") if language == "python"]
    typed = at_ports(code, server.config.inference.port, server.config.management.port)
    done = subprocess.run([sys.executable, "-c", typed], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("allow\n", "")


def test_the_readmes_steps_by_hand_serve_a_photo_and_stop(tmp_path: Path, starter_checkpoint: Path):
    """The block under "Serving it yourself", in a copy of the tree whose ports are free."""
    block = next(block for block in commands_of("README.md") if "torchserve --start" in block)
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("handler", "scripts", "samples", "deploy", "models", ".venv", "pyproject.toml", "constraints.txt"):
        (tree / name).symlink_to(ROOT / name)
    ports = free_ports()
    write_config(ROOT / "config.properties", tree / "config.properties", ports, {})
    commands = at_ports(block, ports.inference, ports.management)
    commands = commands.replace(
        "build_archive.py --model", f"build_archive.py --out {tree}/model_store/nsfw.mar --model"
    )
    starting = commands.partition("curl")[0].replace("scripts/setup\n", "")  # it made the .venv we run in
    asking = [line.split("   #")[0] for line in commands.splitlines() if line.startswith("curl ")]
    # Short, because the workers' sockets lie in it, and a socket's path has at most 107 bytes.
    scratch = Path(f"/tmp/readme-{os.getpid()}")
    scratch.mkdir()
    environment = {**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch)}

    def type_in(line: str) -> str:
        typed = f". .venv/bin/activate\n{line}"
        # Into a file: a pipe would stay open as long as the server that a line starts.
        with (tmp_path / "terminal").open("w+") as terminal:
            subprocess.run(["bash", "-ec", typed], cwd=tree, env=environment, stdout=terminal, timeout=120, check=True)
            terminal.seek(0)
            return terminal.read()

    try:
        type_in(starting)
        describe = f"http://127.0.0.1:{ports.management}/models/nsfw"
        deadline = time.monotonic() + SETTLED_SECONDS
        while not _ready(describe):
            assert time.monotonic() < deadline, "no worker got ready"
            time.sleep(0.5)
        described, answered = (json.loads(type_in(f"{line} --silent")) for line in asking)
        assert described[0]["customizedMetadata"]["model"]["weights"] == "trained"
        assert check_answer(answered)[0]["label"] == "neutral"
    finally:
        type_in("torchserve --stop")
        shutil.rmtree(scratch, ignore_errors=True)
    deadline = time.monotonic() + SETTLED_SECONDS
    while any(str(scratch) in " ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < deadline, "TorchServe or a worker is still running"
        time.sleep(0.5)


@pytest.mark.parametrize("locustfile", [REST, GRPC], ids=["rest", "grpc"])
def test_locust_drives_the_server_without_a_failure(server: TorchServeProcess, tmp_path: Path, locustfile: Path):
    """The command in the locustfile's own docstring, made short: a few small pictures, no page."""
    [command] = [line for line in locustfile.read_text().splitlines() if line.startswith("locust -f ")]
    addresses = {one.setting.key: one for one in server.config.addresses()}
    grpc = addresses["grpc_inference_address"]
    typed = at_ports(command, server.config.inference.port, server.config.management.port)
    typed = typed.replace("127.0.0.1:7070", f"{grpc.host}:{grpc.port}")
    options = f"--headless --users 4 --spawn-rate 4 --run-time 5s --json --deadline-ms 60000 --samples {tmp_path}"
    options += " --mix-count 8 --traffic single=12,batch4=2,bad=2,health=1"
    done = subprocess.run(
        [sys.executable, "-m", *typed.split(), *options.split()], cwd=ROOT, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    kinds = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert kinds["single"]["num_requests"] >= 1
    assert not any(entry["num_failures"] for entry in kinds.values())
    assert list(tmp_path.glob("samples-*.csv"))


def _ready(url: str) -> bool:
    try:
        workers = requests.get(url, timeout=10).json()[0]["workers"]
    except (requests.RequestException, LookupError, ValueError):
        return False
    return any(worker["status"] == "READY" for worker in workers)
