"""Figures of parts of the images: by format and size, and by whatever attributes somebody has labelled in a CSV."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from evaluation.metrics import Share
from evaluation.moderation import Missed, Moderation
from evaluation.prediction import EvaluationError, Prediction
from trust_nsfw.schema import Action, Scores

KEYS = ("file", "sha256")
FEW_CASES = 30
"""Below this a share's 95 % interval is up to 35 points wide."""

SIZES = ((512, "under 512 px"), (1024, "512 to 1,023 px"), (2048, "1,024 to 2,047 px"))
LARGEST_SIZE = "2,048 px or more"

Columns = Mapping[str, Sequence[str]]
"""By an attribute's name its value for each image, in their order; empty where nobody said."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The images with one value of an attribute; `missed` is of explicit images. A warning says what rests on few."""

    column: str
    value: str
    images: int
    accuracy: Share
    missed: Missed
    safe_rate: Share
    warning: str | None

    @classmethod
    def of(cls, column: str, value: str, predictions: Sequence[Prediction], actions: Sequence[Action]) -> Self:
        """Count scored images and what was done with them."""
        right = sum(one.label == Scores(**(one.scores or {})).label for one in predictions)
        moderation = Moderation.of([one.label for one in predictions], actions)
        missed = moderation.missed["explicit"]
        counts = (("image", len(predictions)), ("explicit image", missed.allowed.cases))
        few = [f"{count or 'no'} {what}{'s' * (count != 1)}" for what, count in counts if count < FEW_CASES]
        return cls(
            column=column,
            value=value,
            images=len(predictions),
            accuracy=Share.of(right, len(predictions)),
            missed=missed,
            safe_rate=moderation.safe_rate,
            warning=f"rests on {' and '.join(few)}" if few else None,
        )


@dataclass(frozen=True, slots=True)
class Attributes:
    """A CSV's columns for the images evaluated, how many of them it says something of, and its rows for no image."""

    columns: dict[str, list[str]]
    matched_images: int
    unmatched_rows: int

    @classmethod
    def read(cls, file: Path, predictions: Sequence[Prediction]) -> Self:
        """Read a CSV whose first column is called file or sha256; every other is an attribute.

        Raises EvaluationError for another first column, no second, one row's second mention, or when nothing matches.
        """
        try:
            with file.open(encoding="utf-8-sig", newline="") as stream:
                header, *rows = [row for row in csv.reader(stream) if any(row)] or [[]]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise EvaluationError(f"{file} can't be read: {error}") from None
        if not header or header[0] not in KEYS or len(header) < 2:
            raise EvaluationError(f"{file}: its columns are {', '.join(header)}; the first must be file or sha256, "
                                  "and others follow")  # fmt: skip
        said: dict[str, list[str]] = {}
        for number, row in enumerate(rows, 2):
            if len(row) != len(header) or row[0] in said:
                raise EvaluationError(f"{file}, row {number}: {row[0]!r} has {len(row)} of {len(header)} values"
                                      f"{' and was there before' if row[0] in said else ''}")  # fmt: skip
            said[row[0]] = row[1:]
        keys = [one.file if header[0] == "file" else one.sha256 for one in predictions]
        if not (matched := [key for key in keys if key in said]):
            raise EvaluationError(f"{file}: no row names one of the images by its {header[0]}, such as {keys[0]}")
        nothing = [""] * (len(header) - 1)
        columns = {
            name: [said.get(key, nothing)[place].strip() for key in keys] for place, name in enumerate(header[1:])
        }
        return cls(columns, len(matched), len(said.keys() - set(keys)))

    def facts(self, file: Path) -> dict[str, object]:
        """Return what a record says of them."""
        return {
            "file": str(file),
            "columns": list(self.columns),
            "matched_images": self.matched_images,
            "unmatched_rows": self.unmatched_rows,
        }


def built_in(predictions: Sequence[Prediction]) -> dict[str, list[str]]:
    """Return what every image has: its format, and the length of its longer side in px."""
    return {
        "format": [one.format or "" for one in predictions],
        "longer side": [_size(one) for one in predictions],
    }


def slices_of(predictions: Sequence[Prediction], actions: Sequence[Action], columns: Columns) -> list[Slice]:
    """Return a slice for each value of each column, the largest first; images without a value are in none."""
    found = []
    for column, values in columns.items():
        slices = []
        for value in sorted(set(values) - {""}):
            places = [place for place, other in enumerate(values) if other == value]
            slices.append(
                Slice.of(column, value, [predictions[place] for place in places], [actions[place] for place in places])
            )
        found += sorted(slices, key=lambda one: -one.images)
    return found


def _size(prediction: Prediction) -> str:
    if prediction.width is None or prediction.height is None:
        return ""
    longer = max(prediction.width, prediction.height)
    return next((name for end, name in SIZES if longer < end), LARGEST_SIZE)
