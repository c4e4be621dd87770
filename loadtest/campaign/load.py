"""One load: a headless Locust of its own, from its command line to its samples."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from campaign import samples
from campaign.errors import CampaignError
from campaign.record import GeneratorUse
from campaign.samples import Sample
from measuring import ROOT

LOCUSTFILES = {"rest": Path("loadtest/locustfile.py"), "grpc": Path("loadtest/locustfile_grpc.py")}
STOP_SECONDS = 15  # for answers that are on their way when the time is up: more than the deadline of one
START_SECONDS = 60.0  # for Python, Locust and the pictures
END_SECONDS = 5.0  # of one that was asked to end
POLL_SECONDS = 0.1
SAID_LINES = 15
SOME_FAILED = 1  # Locust's own status where a request failed: samples say which
FOREIGN_SETTINGS = ("LOCUST_", "LOADTEST_")


@dataclass(frozen=True, slots=True)
class Load:
    """What one Locust is to do: `seconds` from its first request, `options` as its command line takes them."""

    target: str
    host: str
    users: int
    seconds: int
    options: Mapping[str, str] = field(default_factory=dict)
    flags: Sequence[str] = ()
    processes: int = 1  # that send; beyond one, Locust starts a master for them

    def command(self, folder: Path, references: Path) -> list[str]:
        """Return the words to run, samples going into `folder`."""
        words = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILES[self.target]), "--headless", "--only-summary"]
        words += ["--host", self.host, "--users", str(self.users), "--spawn-rate", str(self.users)]
        words += ["--run-time", f"{self.seconds}s", "--stop-timeout", str(STOP_SECONDS)]
        words += ["--samples", str(folder), "--references", str(references)]
        if self.processes > 1:
            words += ["--processes", str(self.processes)]
        for name, value in self.options.items():
            words += [f"--{name}={value}"]
        return [*words, *self.flags]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a load."""

    samples: Sequence[Sample]  # by intended time, at least one
    generator: GeneratorUse
    begun_s: float | None = None  # unix time from which a profile's rates count, where the generators tell

    @property
    def start_s(self) -> float:
        """When it began: by its schedule, or else with its first request."""
        return self.samples[0].intended_s if self.begun_s is None else self.begun_s


def apply(load: Load, references: Path, tick: Callable[[], None] = lambda: None) -> Loaded:
    """Run one Locust to its end, `tick` being called meanwhile; on an exception it is ended first.

    Raises CampaignError when it failed, its reason included.
    """
    with tempfile.TemporaryDirectory(prefix="locust-") as name:
        folder, said = Path(name) / "samples", Path(name) / "said.txt"
        folder.mkdir()
        command = load.command(folder, references)
        with said.open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={key: value for key, value in os.environ.items() if not key.startswith(FOREIGN_SETTINGS)},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is ours to pass on, and once
            )
        try:
            status = _waited(process, load.seconds + STOP_SECONDS + START_SECONDS, tick)
        finally:
            _end(process)
        text = said.read_text(encoding="utf-8", errors="replace")
        found = samples.read(folder)
        if status not in (0, SOME_FAILED) or not found or "Traceback (most recent call last)" in text:
            what = f"ended with status {status} and {len(found)} samples" if status is not None else "did not end"
            raise CampaignError("\n  ".join([f"Locust {what}; it said", *text.splitlines()[-SAID_LINES:]]))
        return Loaded(found, *_generator(folder))


def _waited(process: "subprocess.Popen[bytes]", limit_seconds: float, tick: Callable[[], None]) -> int | None:
    """Return the exit status, None when the time is up."""
    ends = time.monotonic() + limit_seconds
    while (status := process.poll()) is None and time.monotonic() < ends:
        tick()
        time.sleep(POLL_SECONDS)
    return status


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End what still runs of it, with its own children."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _generator(folder: Path) -> tuple[GeneratorUse, float | None]:
    """Sum up what the generator's processes say of themselves: the worst of them counts. Raises CampaignError."""
    files = sorted(folder.glob("generator-*.json"))
    health: list[Mapping[str, Any]] = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    if not health:
        raise CampaignError("Locust left no word on its own health")
    use = GeneratorUse(
        processes=len(health),
        cpu_share=max(one["cpu_share"] for one in health),
        wake_lag_p99_ms=max(one["wake_lag_ms"]["p99"] for one in health),
        sent_late_p99_ms=max((one["sent_late_ms"] or {"p99": 0.0})["p99"] for one in health),
        starved=any(one["starved"] for one in health),
        reason="; ".join(one["reason"] for one in health if one["starved"]),
    )
    return use, min((one["begun_s"] for one in health if one.get("begun_s") is not None), default=None)
