"""Every raw sample of a campaign in one compressed CSV file."""

import csv
import gzip
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from types import TracebackType
from typing import Self

from campaign.samples import Sample

RUN_COLUMNS = ("target", "stage", "setting", "round")


class SampleStore:
    """Gathers samples in a file, each behind the run that it belongs to; a context manager."""

    def __init__(self, file: Path) -> None:
        """Begin the file."""
        self.file = file
        self._stream = gzip.open(file, "wt", encoding="utf-8", newline="")  # noqa: SIM115 - closed by __exit__
        self._writer = csv.writer(self._stream)
        self._writer.writerow([*RUN_COLUMNS, *(one.name for one in fields(Sample))])

    def add(self, run: tuple[str, str, str, int], samples: Iterable[Sample]) -> None:
        """Write the samples of one run: target, stage, setting and round."""
        self._writer.writerows([*run, *astuple(sample)] for sample in samples)

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
