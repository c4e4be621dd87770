"""Every request as a line of CSV: exact percentiles need the raw values."""

import csv
import os
from dataclasses import dataclass, fields
from pathlib import Path

from traffic.call import Kind, Outcome

PARTIAL = ".part"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Times are Unix seconds; latency counts from the intended time to the whole answer.

    In closed loop a request is intended when it is started. `code` is the transport's, "" for an answer that never
    came; `message` is empty where nothing went wrong.
    """

    intended_s: float
    started_s: float
    latency_ms: float
    kind: Kind
    outcome: Outcome
    code: str
    error_code: str
    images: int
    message: str


COLUMNS = tuple(field.name for field in fields(Sample))


class SampleFile:
    """A process's samples of one test: written under a temporary name, renamed when it is whole."""

    def __init__(self, folder: Path, name: str) -> None:
        """Begin `NAME.csv` in a folder, which is made; never over a file that is there. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        self.file = unused(folder, name, ".csv")
        self._stream = self.file.with_name(self.file.name + PARTIAL).open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._stream)
        self._writer.writerow(COLUMNS)

    def add(self, sample: Sample) -> None:
        """Write one sample."""
        times = f"{sample.intended_s:.6f}", f"{sample.started_s:.6f}", f"{sample.latency_ms:.3f}"
        answer = sample.kind, sample.outcome, sample.code, sample.error_code, sample.images, sample.message
        self._writer.writerow(times + answer)

    def close(self) -> None:
        """Finish the file; a second call does nothing."""
        if not self._stream.closed:
            self._stream.close()
            Path(self._stream.name).replace(self.file)


def process_name(what: str, worker_index: int) -> str:
    """Return the name of a process's own file: what it holds, the worker's number, the process id."""
    return f"{what}-{worker_index}-{os.getpid()}"


def unused(folder: Path, name: str, suffix: str) -> Path:
    """Return the path of a file that is not there: a page starts several tests in one process."""
    file, number = folder / f"{name}{suffix}", 1
    while file.exists():
        number += 1
        file = folder / f"{name}-{number}{suffix}"
    return file
