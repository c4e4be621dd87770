"""Raw samples as the generators wrote them: one row a request."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from campaign.errors import CampaignError
from traffic.call import Outcome

FILES = "samples-*.csv"


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. `latency_ms` counts from the intended time to the whole answer, or to where it was given up."""

    intended_s: float  # unix time
    started_s: float
    latency_ms: float
    kind: str
    outcome: Outcome
    code: str
    error_code: str
    images: int
    message: str

    @property
    def ended_s(self) -> float:
        """When the answer was whole."""
        return self.intended_s + self.latency_ms / 1000

    @classmethod
    def of(cls, row: Mapping[str, str]) -> "Sample":
        """Read a row of the CSV. Raises ValueError or KeyError for one that isn't of it."""
        return cls(
            intended_s=float(row["intended_s"]),
            started_s=float(row["started_s"]),
            latency_ms=float(row["latency_ms"]),
            kind=row["kind"],
            outcome=Outcome(row["outcome"]),
            code=row["code"],
            error_code=row["error_code"],
            images=int(row["images"]),
            message=row["message"],
        )


def read(folder: Path) -> list[Sample]:
    """Return the samples of every generator process, in the order of their intended times. Raises CampaignError."""
    samples: list[Sample] = []
    for file in sorted(folder.glob(FILES)):
        with file.open(encoding="utf-8", newline="") as lines:
            try:
                samples += [Sample.of(row) for row in csv.DictReader(lines)]
            except (KeyError, TypeError, ValueError) as error:
                raise CampaignError(f"{file.name} is not whole: {type(error).__name__}: {error}") from error
    return sorted(samples, key=lambda one: one.intended_s)
