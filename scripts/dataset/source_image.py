"""A labelled image as its source has it, not read yet, and what every kind of source is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dataset.example import DatasetError, label_of
from trust_nsfw.schema import LABELS

MAX_IMAGE_BYTES = 128 * 2**20
"""Of one encoded image; what is larger is not even read. 50 megapixels as a PNG of noise take 150 MB, a photo 20."""

SPLIT_FOLDERS = {"train", "training", "valid", "val", "validation", "dev", "test", "testing"}
"""Folders above the class folders that say of a split: all their images are taken, and split anew."""


class Unreadable(Exception):
    """An image whose bytes its source can't give; the first argument is a stable code, the second says why."""

    @property
    def code(self) -> str:
        """The stable code."""
        return str(self.args[0])

    @property
    def message(self) -> str:
        """What went wrong, in a sentence without any path of this machine."""
        return str(self.args[1])


@dataclass(frozen=True, slots=True)
class SourceImage:
    """One image: its name within the source, its label, and how to get its bytes, which may raise Unreadable.

    `path` is the file that holds just these bytes, where there is one: it can be linked instead of copied.
    """

    name: str
    label: str
    read: Callable[[], bytes]
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """What the card says of a source: its kind, its name, its exact revision where it has one, and its license."""

    kind: str
    name: str
    revision: str | None = None
    license: str | None = None


class Source(Protocol):
    """Labelled images in an order that is always the same."""

    @property
    def origin(self) -> Origin:
        """Where the images come from."""
        ...

    def __len__(self) -> int:
        """Return how many images there are."""
        ...

    def __iter__(self) -> Iterator[SourceImage]:
        """Yield them; raises DatasetError for a label that is none of the five."""
        ...


def label_of_path(parts: tuple[str, ...], place: str) -> str:
    """Return the label of a file by its folders: the first one that is neither a split's nor a wrapping one.

    `parts` are the folders below what all files share, outermost first. Raises DatasetError naming the folder.
    """
    folders = parts[1:] if len(parts) > 1 and parts[0].lower() in SPLIT_FOLDERS else parts
    if not folders or folders[0].lower() in SPLIT_FOLDERS:
        raise DatasetError(f"{place}: images must lie in class folders: {', '.join(LABELS)}")
    try:
        return label_of(folders[0])
    except DatasetError as error:
        raise DatasetError(f"{place}: folder {error}") from None


def below_wrapping(folders: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return folders without the outer ones that all of them share, if those are no class or split."""
    shared = 0
    while all(len(parts) > shared for parts in folders) and len({parts[shared] for parts in folders}) == 1:
        name = folders[0][shared].strip().lower()
        if name in SPLIT_FOLDERS or _is_label(name):
            break
        shared += 1
    return [parts[shared:] for parts in folders]


def _is_label(name: str) -> bool:
    try:
        label_of(name)
    except DatasetError:
        return False
    return True
