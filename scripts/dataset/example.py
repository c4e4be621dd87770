"""A labelled image of a prepared data set, and the index file that lists them all."""

import csv
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, Self, get_args

from trust_nsfw.checkpoint import SYNONYMS
from trust_nsfw.schema import LABELS

INDEX_FILE, CARD_FILE = "index.csv", "card.json"
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)


class DatasetError(RuntimeError):
    """A data set that can't be used; the message names file, line or class, and what is wrong."""


@dataclass(frozen=True, slots=True)
class Example:
    """One image. `file` is its path within the data set's folder; `group` numbers its near-duplicates.

    `perceptual_hash` is 16 hexadecimal digits. `conflicting` is true where a near-duplicate has another label.
    """

    file: str
    label: str
    split: Split
    group: int
    sha256: str
    format: str
    width: int
    height: int
    perceptual_hash: str
    conflicting: bool


@dataclass(frozen=True, slots=True)
class PreparedDataset:
    """A folder that scripts/prepare_data.py made: images and their index."""

    folder: Path
    examples: tuple[Example, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the index. Raises DatasetError for a folder without one, and for a line that is none of ours."""
        file = folder / INDEX_FILE
        if not file.is_file():
            raise DatasetError(f"{folder} has no {INDEX_FILE}; scripts/prepare_data.py makes one")
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            examples = tuple(_example(row, f"{file}:{reader.line_num}") for row in reader)
        if not examples:
            raise DatasetError(f"{file} lists no image")
        return cls(folder, examples)

    def of_split(self, split: Split) -> tuple[Example, ...]:
        """Return a split's images. Raises DatasetError when it has none."""
        if not (found := tuple(example for example in self.examples if example.split == split)):
            raise DatasetError(f"{self.folder}: split {split} is empty")
        return found

    def path_of(self, example: Example) -> Path:
        """Return where an image lies."""
        return self.folder / example.file

    def require_unchanged(self, *splits: Split) -> None:
        """Raise DatasetError for an image of these splits whose bytes are not those that the index recorded."""
        for example in self.examples:
            if example.split not in splits:
                continue
            try:
                content = self.path_of(example).read_bytes()
            except OSError as error:
                raise DatasetError(
                    f"{self.path_of(example)}: {error.strerror or error}; prepare the data again"
                ) from None
            if hashlib.sha256(content).hexdigest() != example.sha256:
                raise DatasetError(
                    f"{self.path_of(example)} has changed since the data set was prepared; prepare it again"
                )

    @property
    def recorded_preprocessing(self) -> str | None:
        """The fingerprint of the preprocessing that the data card records; None where it records none."""
        try:
            card = json.loads((self.folder / CARD_FILE).read_text(encoding="utf-8"))
            found = card["preprocessing"]["fingerprint"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if isinstance(found, str) else None

    @property
    def fingerprint(self) -> str:
        """Sha256 over every image's bytes, label and split: equal fingerprints mean equal training and test data."""
        lines = sorted(f"{one.sha256} {one.label} {one.split}" for one in self.examples)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def index_csv(examples: Sequence[Example]) -> str:
    """Return index.csv: a line per image, sorted by file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Example)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in sorted(examples, key=lambda one: one.file))
    return text.getvalue()


def label_of(name: str) -> str:
    """Return the label that a class folder's or column's name stands for. Raises DatasetError for any other."""
    label = SYNONYMS.get(name.strip().lower(), name.strip().lower())
    if label not in LABELS:
        raise DatasetError(f"{name!r} is no class; the five are {', '.join(LABELS)}")
    return label


def _example(row: dict[str, str], place: str) -> Example:
    try:
        if row["split"] not in SPLITS or row["label"] not in LABELS:
            raise ValueError(f"split {row['split']!r}, label {row['label']!r}")
        return Example(
            file=row["file"],
            label=row["label"],
            split=row["split"],
            group=int(row["group"]),
            sha256=row["sha256"],
            format=row["format"],
            width=int(row["width"]),
            height=int(row["height"]),
            perceptual_hash=row["perceptual_hash"],
            conflicting={"True": True, "False": False}[row["conflicting"]],
        )
    except (KeyError, ValueError, TypeError) as error:
        raise DatasetError(f"{place} is not a line of this index: {error}") from None
