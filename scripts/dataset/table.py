"""Rows of an image and a label: Parquet files, and data sets saved by the library `datasets`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from dataset.example import DatasetError, label_of
from dataset.source_image import MAX_IMAGE_BYTES, Origin, SourceImage, Unreadable

LABEL_COLUMNS = ("label", "labels", "class", "category")
IMAGE_COLUMNS = ("image", "img", "jpg", "png", "webp")
ROWS_PER_BATCH = 64


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold image and label; `names` are the label's by number, None where it is a text."""

    image: str
    label: str
    names: tuple[str, ...] | None

    @classmethod
    def of(cls, schema: pa.Schema, place: str) -> "Columns":
        """Find them by their types, else their names; raises DatasetError when there are none, or for a strange class.

        Labels that are never used count too: they tell of another classification.
        """
        features = datasets.Features.from_arrow_schema(schema)
        found = ", ".join(features)
        image = _first(features, datasets.Image, IMAGE_COLUMNS)
        label = _first(features, datasets.ClassLabel, LABEL_COLUMNS)
        if image is None or label is None:
            raise DatasetError(f"{place}: no column of {'images' if image is None else 'labels'} among {found}")
        names = getattr(features[label], "names", None)
        if names is None and getattr(features[label], "dtype", None) not in ("string", "large_string"):
            raise DatasetError(f"{place}: column {label} is neither a class label nor a text")
        for name in names or ():
            _label(name, place)
        return cls(image, label, None if names is None else tuple(names))

    def image_of(self, row: Mapping[str, Any], name: str, home: Path | None) -> SourceImage:
        """Return a row's image; raises DatasetError for a label that is none of the five."""
        value = row[self.label]
        if self.names is not None and not (isinstance(value, int) and 0 <= value < len(self.names)):
            raise DatasetError(f"{name}: label {value} is none of {', '.join(self.names)}")
        text = value if self.names is None else self.names[value]
        return SourceImage(name, _label(str(text), name), partial(_bytes_of, row[self.image], home))


class ParquetFiles:
    """The rows of Parquet files, in the order of files and rows."""

    def __init__(self, files: Sequence[Path], origin: Origin | None = None) -> None:
        """Read the schemas; raises DatasetError for a file that is no Parquet, or has no image or no label."""
        self.origin = origin or Origin("parquet", ", ".join(file.name for file in files))
        self._files = []
        for file in files:
            try:
                table = pq.ParquetFile(file)
            except (OSError, pa.ArrowException) as error:
                raise DatasetError(f"{file.name} cannot be read as Parquet: {error}") from None
            self._files.append((file.name, table, Columns.of(table.schema_arrow, file.name)))

    def __len__(self) -> int:
        return sum(table.metadata.num_rows for _, table, _ in self._files)

    def __iter__(self) -> Iterator[SourceImage]:
        for name, table, columns in self._files:
            number = 0
            for batch in table.iter_batches(ROWS_PER_BATCH, columns=[columns.image, columns.label]):
                for row in batch.to_pylist():
                    yield columns.image_of(row, f"{name}/{number:06}", None)
                    number += 1


class SavedDataset:
    """A folder that `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote; its splits one after the other."""

    def __init__(self, root: Path) -> None:
        """Open it; raises DatasetError for any other folder, and for one without images or labels."""
        self.origin = Origin("saved data set", root.resolve().name)
        self._root = root
        try:
            loaded = datasets.load_from_disk(str(root))
        except (OSError, ValueError, KeyError, pa.ArrowException) as error:
            raise DatasetError(f"{root} is no saved data set: {error}") from None
        parts = loaded if isinstance(loaded, datasets.DatasetDict) else {"": loaded}
        self._parts = [
            (f"{name}/" if name else "", part, Columns.of(part.features.arrow_schema, f"{root.name}/{name}"))
            for name, part in parts.items()
        ]

    def __len__(self) -> int:
        return sum(len(part) for _, part, _ in self._parts)

    def __iter__(self) -> Iterator[SourceImage]:
        for prefix, part, columns in self._parts:
            plain = part.select_columns([columns.image, columns.label]).with_format("arrow")
            for number in range(len(part)):
                [row] = plain[number : number + 1].to_pylist()  # as stored: nothing decodes the image
                yield columns.image_of(row, f"{prefix}{number:06}", self._root)


def _first(features: Mapping[str, Any], kind: type, names: Sequence[str]) -> str | None:
    typed = (name for name, feature in features.items() if isinstance(feature, kind))
    return next(typed, next((name for name in names if name in features), None))


def _label(name: str, place: str) -> str:
    try:
        return label_of(name)
    except DatasetError as error:
        raise DatasetError(f"{place}: label {error}") from None


def _bytes_of(value: Any, home: Path | None) -> bytes:
    """Return an image column's bytes: they are in it, or in a file it names beside a saved data set."""
    content, path = (value.get("bytes"), value.get("path")) if isinstance(value, dict) else (value, None)
    if content is None and path and home is not None:
        try:
            with (home / path).open("rb") as stream:
                content = stream.read(MAX_IMAGE_BYTES + 1)
        except OSError as error:
            raise Unreadable("unreadable", error.strerror or type(error).__name__) from None
    if not isinstance(content, bytes):
        raise Unreadable("unreadable", "the row holds no image")
    if len(content) > MAX_IMAGE_BYTES:
        raise Unreadable("file_too_large", f"more than {MAX_IMAGE_BYTES:,} bytes")
    return content
