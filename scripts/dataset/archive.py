"""Zip archives of class folders, read in place: nothing is ever unpacked under a name that the archive chose."""

import stat
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from dataset.example import DatasetError
from dataset.source_image import MAX_IMAGE_BYTES, Origin, SourceImage, Unreadable, below_wrapping, label_of_path
from trust_nsfw.cli.files import EXTENSIONS

MAX_EXPANSION, ALWAYS_ALLOWED_BYTES = 20, 2**30
"""Encoded images hardly shrink: an archive that says it holds more than 20 times its own bytes is a bomb."""

ENCRYPTED_FLAG = 1


class ZipArchives:
    """The images of one or more zip files, in the order of files and member names."""

    def __init__(self, files: Sequence[Path], origin: Origin | None = None) -> None:
        """Read the directories. Raises DatasetError for a file that is no zip, one that names paths outside itself or
        twice the same, a bomb, and a folder that is no class.
        """
        self.origin = origin or Origin("zip", ", ".join(file.name for file in files))
        self._images: list[SourceImage] = []
        for file in files:
            try:
                archive = zipfile.ZipFile(file)
            except (OSError, zipfile.BadZipFile) as error:
                raise DatasetError(f"{file.name} cannot be read as a zip archive: {error}") from None
            self._images += _images(archive, file.name)
        if not self._images:
            raise DatasetError(f"{self.origin.name} holds no image in class folders")

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[SourceImage]:
        return iter(self._images)


def _images(archive: zipfile.ZipFile, name: str) -> list[SourceImage]:
    members = sorted((one for one in archive.infolist() if not one.is_dir()), key=lambda one: one.filename)
    _refuse_dangerous(members, name, Path(str(archive.filename)).stat().st_size)
    paths = {member.filename: PurePosixPath(member.filename) for member in members}
    wanted = [one for one in members if _is_wanted(paths[one.filename])]
    if not wanted:
        return []
    folders = below_wrapping([paths[one.filename].parts[:-1] for one in wanted])
    return [
        SourceImage(
            f"{name}/{member.filename}",
            label_of_path(parts, f"{name}/{member.filename}"),
            partial(_read, archive, member),
        )
        for member, parts in zip(wanted, folders, strict=True)
    ]


def _refuse_dangerous(members: Sequence[zipfile.ZipInfo], name: str, archive_bytes: int) -> None:
    """Raise DatasetError for an archive that somebody made to do harm: it is not worth finding out how much."""
    for member in members:
        path = member.filename
        if path.startswith("/") or "\\" in path or ":" in path.split("/")[0] or ".." in path.split("/"):
            raise DatasetError(f"{name} is refused: its member {path!r} names a place outside the archive")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise DatasetError(f"{name} is refused: its member {path!r} is a link")
    if len({member.filename for member in members}) != len(members):
        raise DatasetError(f"{name} is refused: it holds two members of one name")
    whole_bytes = sum(member.file_size for member in members)
    if whole_bytes > (limit := max(ALWAYS_ALLOWED_BYTES, MAX_EXPANSION * archive_bytes)):
        raise DatasetError(f"{name} is refused: unpacked it has {whole_bytes:,} bytes; the limit is {limit:,}")


def _is_wanted(path: PurePosixPath) -> bool:
    """Say whether a member may be an image: not hidden or what macOS adds, and above the folders only if named so."""
    if any(part.startswith((".", "__MACOSX")) for part in path.parts):
        return False
    return len(path.parts) > 1 or path.suffix.lower() in EXTENSIONS


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.flag_bits & ENCRYPTED_FLAG:
        raise Unreadable("unreadable", "it is encrypted")
    if member.file_size > MAX_IMAGE_BYTES:
        raise Unreadable("file_too_large", f"{member.file_size:,} bytes; the limit is {MAX_IMAGE_BYTES:,}")
    try:
        with archive.open(member) as stream:
            content = stream.read(MAX_IMAGE_BYTES + 1)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise Unreadable("unreadable", str(error) or type(error).__name__) from None
    if len(content) != member.file_size:
        raise Unreadable("unreadable", f"{len(content):,} bytes where the archive says {member.file_size:,}")
    return content
