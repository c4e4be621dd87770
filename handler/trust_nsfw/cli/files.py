"""What the user names -> the images to classify, in order."""

import glob
import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trust_nsfw.cli.errors import CommandError
from trust_nsfw.client import RequestLimits

STDIN = "-"
EXTENSIONS = frozenset(
    {
        *(".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".jfif"),
        *(".jpe", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp"),
    }
)
"""What is taken from a folder, in any case. A file that is named itself is taken whatever its name."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One image: its path as results name it, and where its bytes are."""

    path: str
    content: Path | bytes

    def sha256(self) -> str | None:
        """Return the hex digest of a regular file; None for what can't be read, or not twice (a pipe, stdin)."""
        if isinstance(self.content, bytes):
            return None
        try:
            if not self.content.is_file():
                return None
            with self.content.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:  # whoever is asked about the picture says so in its result
            return None


@dataclass(frozen=True, slots=True)
class Found:
    """The images, each path once, and how many other files the folders hold."""

    pictures: tuple[Picture, ...]
    others: int


def find(arguments: Sequence[str]) -> Found:
    """Return the images of files, folders (recursively, sorted), glob patterns and `-`, in the order given.

    Raises CommandError for a path that does not exist, a folder that can't be read, and when nothing is found.
    """
    if arguments.count(STDIN) > 1:
        raise CommandError("- stands for stdin and can be given only once")
    pictures: dict[str, Picture] = {}
    others = 0
    for argument in arguments:
        if argument == STDIN:
            pictures[STDIN] = from_stdin()
            continue
        for path in _matches(argument):
            if not path.is_dir():
                pictures.setdefault(str(path), Picture(str(path), path))
                continue
            for file in _under(path):
                if file.suffix.lower() in EXTENSIONS:
                    pictures.setdefault(str(file), Picture(str(file), file))
                else:
                    others += 1
    if not pictures:
        beside = f" among {others:,} files" if others else ""
        raise CommandError(f"no images in {', '.join(arguments)}{beside}; a folder's are known by their extension")
    return Found(tuple(pictures.values()), others)


def find_one(argument: str) -> Picture:
    """Return one image, from a file or stdin; raises CommandError for anything else."""
    if argument == STDIN:
        return from_stdin()
    path = Path(argument)
    if not path.exists():
        raise CommandError(f"no such file: {argument}")
    if path.is_dir():
        raise CommandError(f"{argument} is a folder; one image is needed")
    return Picture(argument, path)


def from_stdin() -> Picture:
    """Read stdin, up to one byte more than any request may have. Raises CommandError at a terminal."""
    if sys.stdin.isatty():
        raise CommandError("- reads an image from stdin, which is this terminal: pipe or redirect a file into it")
    return Picture(STDIN, sys.stdin.buffer.read(RequestLimits().max_body_bytes + 1))


def _matches(argument: str) -> list[Path]:
    """Return the path itself, or what it matches as a pattern (for shells that leave patterns to the program)."""
    path = Path(argument)
    if path.exists():
        return [path]
    matches = glob.glob(argument, recursive=True, include_hidden=True)  # noqa: PTH207 - Path.glob takes no absolute one
    if not matches:
        raise CommandError(f"no such file or folder: {argument}")
    return [Path(match) for match in sorted(matches)]


def _under(folder: Path) -> list[Path]:
    """Return every regular file under a folder, sorted, and links that lead nowhere; no folder's link is followed."""
    return sorted(file for file in _walk(folder) if file.is_file() or not file.exists())


def _walk(folder: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(folder, onerror=_refuse):
        for name in names:
            yield Path(directory, name)


def _refuse(error: OSError) -> None:
    raise CommandError(f"{error.filename} can't be read: {error.strerror}") from error
