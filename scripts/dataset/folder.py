"""Class folders on disk, each holding the images of its class."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from dataset.example import DatasetError
from dataset.source_image import MAX_IMAGE_BYTES, Origin, SourceImage, Unreadable, below_wrapping, label_of_path
from trust_nsfw.cli.files import EXTENSIONS


class ImageFolder:
    """The images of class folders, in the order of their paths. Hidden files and folders are left out."""

    def __init__(self, root: Path, origin: Origin | None = None) -> None:
        """List the files; raises DatasetError for a folder that is no class, and when there is no image."""
        self.origin = origin or Origin("folder", root.resolve().name)
        files = sorted(_files(root), key=lambda file: file.relative_to(root).as_posix())
        files = [file for file in files if file.parent != root or file.suffix.lower() in EXTENSIONS]
        if not files:
            raise DatasetError(f"{root} holds no image in class folders")
        folders = below_wrapping([file.relative_to(root).parts[:-1] for file in files])
        self._images = [
            SourceImage(_name(file, root), label_of_path(parts, str(file)), partial(_read, file), file)
            for file, parts in zip(files, folders, strict=True)
        ]

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[SourceImage]:
        return iter(self._images)


def _files(root: Path) -> Iterator[Path]:
    """Yield the files below a folder, following links to files but not to folders."""
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        yield from (Path(place, name) for name in names if not name.startswith("."))


def _name(file: Path, root: Path) -> str:
    """Return a file's path below the root as text; bytes that are no UTF-8 are replaced."""
    return os.fsencode(file.relative_to(root).as_posix()).decode(errors="replace")


def _read(file: Path) -> bytes:
    try:
        if (size_bytes := file.stat().st_size) > MAX_IMAGE_BYTES:
            raise Unreadable("file_too_large", f"{size_bytes:,} bytes; the limit is {MAX_IMAGE_BYTES:,}")
        return file.read_bytes()
    except OSError as error:
        raise Unreadable("unreadable", error.strerror or type(error).__name__) from None
