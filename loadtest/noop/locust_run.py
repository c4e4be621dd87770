"""One run of Locust, watched from outside: what it makes the server answer, and what that costs in CPU time."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring import ROOT
from measuring.answers import WrongAnswerError
from measuring.coprocess import CoprocessError
from measuring.process_usage import busy_seconds, cpu_seconds
from measuring.servers import REQUESTS, Server
from serving.ports import free_ports
from serving.process_session import ProcessSession

START_SECONDS = 60.0
END_SECONDS = 30.0
POLL_SECONDS = 0.1
SETTLE_SECONDS = 1.5  # all users are there, and connections are open
FAILURES = 1  # Locust's exit status when a request failed
GENERATOR = "generator"
SHOWN_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Measured:
    """What a generator did: its rate, and the CPU ms per request of the generator, of Java and of the worker.

    `strangers_share` is the part of one core that was used by everything else.
    """

    requests_per_s: float
    cpu_ms: dict[str, float]
    answered: int
    strangers_share: float


def watch(words: Sequence[str], users: int, server: Server, seconds: float) -> Measured:
    """Run Locust headless with a host and further arguments, and measure `seconds` of it once it is under way.

    Requests are counted by the server, so that any generator is measured alike. Raises WrongAnswerError when Locust
    counts a failure, and CoprocessError when it ends by itself.
    """
    command = [sys.executable, "-m", "locust", *words, "--headless", "--only-summary"]
    command += ["--users", str(users), "--spawn-rate", str(users)]
    if "--processes" in words:
        command += ["--master-bind-host", "127.0.0.1", *_own_port()]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with log.open("wb") as file:
            locust = subprocess.Popen(command, stdout=file, stderr=file, cwd=ROOT, start_new_session=True)
        session = ProcessSession.led_by(locust.pid)
        try:
            _wait_for_answers(locust, server, log)
            measured = _window(session, server, seconds)
            locust.terminate()
            status = locust.wait(END_SECONDS)
        finally:
            session.stop()
            locust.wait()
        _require_no_failure(status, log)
        return measured


def _window(session: ProcessSession, server: Server, seconds: float) -> Measured:
    """Measure what happens from now on."""
    groups = {**server.groups(), GENERATOR: [process.pid for process in session.members()]}

    def reading() -> tuple[float, float, float, dict[str, float]]:
        return time.perf_counter(), server.counters()[REQUESTS], busy_seconds(), cpu_seconds(groups)

    begun, requests_before, busy_before, cpu_before = reading()
    time.sleep(seconds)
    ended, requests_after, busy_after, cpu_after = reading()
    answered = round(requests_after - requests_before)
    if not answered:
        raise CoprocessError(f"nothing was answered within {seconds:g} s")
    spent = {name: cpu_after[name] - cpu_before[name] for name in groups}
    return Measured(
        requests_per_s=answered / (ended - begun),
        cpu_ms={name: 1000 * used / answered for name, used in spent.items()},
        answered=answered,
        strangers_share=max(busy_after - busy_before - sum(spent.values()), 0) / (ended - begun),
    )


def _wait_for_answers(locust: "subprocess.Popen[bytes]", server: Server, log: Path) -> None:
    """Return once requests have been answered for a while. Raises CoprocessError when Locust ends before."""
    before, deadline = server.counters()[REQUESTS], time.monotonic() + START_SECONDS
    while server.counters()[REQUESTS] == before:
        if locust.poll() is not None or time.monotonic() > deadline:
            raise CoprocessError(f"Locust sent nothing: {_tail(log)}")
        time.sleep(POLL_SECONDS)
    time.sleep(SETTLE_SECONDS)


def _require_no_failure(status: int, log: Path) -> None:
    """Raise WrongAnswerError when Locust's exit status says that a request failed, CoprocessError for any other."""
    if status == FAILURES:
        raise WrongAnswerError(f"Locust counted failures: {_tail(log)}")
    if status:
        raise CoprocessError(f"Locust ended with status {status}: {_tail(log)}")


def _own_port() -> list[str]:
    """Return options for a port that no other Locust uses."""
    port = str(free_ports().inference)
    return ["--master-bind-port", port, "--master-port", port]


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-SHOWN_CHARACTERS:].strip()
