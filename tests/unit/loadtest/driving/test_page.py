"""Locust's page: it shows the suite's arguments, and refuses values that make no sense."""

import csv
import subprocess
import time
from pathlib import Path

import pytest
import requests

from load_server import Answering, http_server, write_pictures
from locust_run import ENVIRONMENT, command_of
from serving.ports import free_ports

LIMIT_SECONDS = 60


def wait_for(condition) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def answers(page: str) -> bool:
    try:
        return requests.get(page, timeout=10).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize("processes", [(), ("--processes", "2")], ids=["alone", "two processes"])
def test_a_value_changed_in_the_page_is_checked_and_used(processes, tmp_path: Path):
    pictures = write_pictures(tmp_path / "pictures")
    port, log = free_ports().inference, tmp_path / "log"
    page, form = f"http://127.0.0.1:{port}", {"user_count": "2", "spawn_rate": "2"}

    def state() -> str:
        return requests.get(f"{page}/stats/requests", timeout=10).json()["state"]

    with http_server(Answering()) as host, log.open("w") as stderr:
        command = command_of("--host", host, "--pictures", pictures, "--samples", tmp_path / "samples",
                             "--web-host", "127.0.0.1", "--web-port", port, *processes)  # fmt: skip
        command.remove("--headless")
        with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stdout=stderr, stderr=stderr) as process:
            try:
                wait_for(lambda: answers(page) and (not processes or "2 workers connected" in log.read_text()))
                assert "requests per second, 45, or a profile" in requests.get(page, timeout=10).text
                requests.post(f"{page}/swarm", data=form | {"traffic": "upload=1"}, timeout=10)
                wait_for(lambda: "--traffic: 'upload' is none of" in log.read_text())
                assert not (tmp_path / "samples").exists()
                requests.post(f"{page}/swarm", data=form | {"traffic": "single=1"}, timeout=10)
                wait_for(lambda: list((tmp_path / "samples").glob("*.part")) and state() == "running")
                time.sleep(1)
                requests.post(f"{page}/stop", timeout=LIMIT_SECONDS)
                wait_for(lambda: list((tmp_path / "samples").glob("*.csv")) and state() in ("stopped", "ready"))
            finally:
                process.terminate()
                process.wait(LIMIT_SECONDS)
    files = list((tmp_path / "samples").glob("samples-*.csv"))
    assert len(files) == 1 + bool(processes)
    assert {row["kind"] for file in files for row in csv.DictReader(file.read_text().splitlines())} == {"single"}
