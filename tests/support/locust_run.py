"""Locust as a user starts it, without its page, and what it left behind."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADTEST = ROOT / "loadtest"
REST, GRPC = LOADTEST / "locustfile.py", LOADTEST / "locustfile_grpc.py"
END_SECONDS = 120
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "handler")}


@dataclass(frozen=True)
class LocustRun:
    """How it ended, what it said, and its samples as dicts of strings."""

    status: int
    out: str
    err: str
    samples: list[dict[str, str]]
    files: list[Path]
    generators: list[dict]

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(sample["outcome"] for sample in self.samples)

    def latencies_ms(self, outcome: str = "right") -> list[float]:
        return [float(sample["latency_ms"]) for sample in self.samples if sample["outcome"] == outcome]


def command_of(*arguments: object, locustfile: Path | str = REST) -> list[str]:
    """Return the command line of a run without a page that is over at once but for what is asked."""
    return [sys.executable, "-m", "locust", "-f", str(locustfile), "--headless", "--only-summary", *map(str, arguments)]


def locust(
    folder: Path, *arguments: object, locustfile: Path | str = REST, interrupted_by: signal.Signals | None = None
) -> LocustRun:
    """Run Locust to its end, or until it has sent something for a second and is interrupted; its samples are in a
    new folder.
    """
    samples = folder / f"samples-{len(list(folder.iterdir()))}"
    command = command_of(*arguments, "--samples", samples, locustfile=locustfile)
    with subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            if interrupted_by is not None:
                while process.poll() is None and not list(samples.glob("*")):
                    time.sleep(0.1)
                time.sleep(1)
                process.send_signal(interrupted_by)
            out, err = process.communicate(timeout=END_SECONDS)
        except BaseException:
            process.kill()
            raise
    files = sorted(samples.glob("samples-*")) if samples.is_dir() else []
    rows = [row for file in files for row in csv.DictReader(file.read_text().splitlines())]
    generators = [json.loads(file.read_text()) for file in sorted(samples.glob("generator-*.json"))]
    return LocustRun(process.returncode, out, err, rows, files, generators)
