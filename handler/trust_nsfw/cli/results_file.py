"""A file of stored results: read it, or take a broken-off run's up again."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from trust_nsfw.cli.errors import CommandError
from trust_nsfw.cli.files import Picture
from trust_nsfw.cli.lines import ERROR, Origin, StoredResult, from_line
from trust_nsfw.cli.tally import Tally
from trust_nsfw.cli.writers import Format

LINE_START = b'{"path":'


@dataclass(slots=True)
class Earlier:
    """What an earlier run has left: the paths it is done with, its counts, and what its verdicts come from."""

    paths: set[str] = field(default_factory=set)
    tally: Tally = field(default_factory=Tally)
    origin: Origin | None = None

    def add(self, result: StoredResult) -> None:
        """Take one line in."""
        self.paths.add(result.name)
        self.tally.add(result.action)
        self.origin = result.origin or self.origin


def earlier_results(output: Path | None, kind: Format, pictures: Sequence[Picture], *, resume: bool) -> Earlier:
    """Return what the output file holds already; raises CommandError rather than mix it up or write over it."""
    if resume and (output is None or kind is not Format.JSONL):
        raise CommandError("--resume goes on with JSON lines: --output results.jsonl")
    if output is None or not output.exists():
        return Earlier()
    if resume:
        return take_up(output, {picture.path: picture for picture in pictures})
    if output.is_file() and output.stat().st_size:
        raise CommandError(f"{output} exists; delete it first, or go on with JSON lines by --resume")
    return Earlier()


def read_results(file: Path) -> Iterator[StoredResult]:
    """Yield a file's results; raises CommandError naming file and line at the first that is none."""
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                yield _result(file, number, line)
    except OSError as error:
        raise CommandError(f"{file} can't be read: {error.strerror}") from None


def take_up(file: Path, pictures: Mapping[str, Picture]) -> Earlier:
    """Read what an earlier run wrote; the line in which it was killed is cut off, those of changed pictures go.

    So the file never has two verdicts on one path, whoever reads it. `pictures` are to be classified now, by path.

    Raises CommandError, and changes nothing, when there is anything in the file that this program did not write.
    """
    earlier = Earlier()
    stale: set[int] = set()
    whole_bytes = 0
    with file.open("r+b") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.endswith(b"\n"):
                if not LINE_START.startswith(line[: len(LINE_START)]):
                    raise CommandError(f"{file}, line {number}: not written by trust-nsfw, so not continued")
                break
            result = _result(file, number, line)
            if _is_stale(result, pictures.get(result.name)):
                stale.add(number)
            else:
                earlier.add(result)
            whole_bytes += len(line)
        stream.truncate(whole_bytes)
    if stale:
        _leave_out(stale, file.resolve())
    return earlier


def _is_stale(result: StoredResult, picture: Picture | None) -> bool:
    """Tell whether a verdict is on other bytes than the picture has now; an error is a verdict on nothing."""
    if picture is None or result.action == ERROR:
        return False
    return result.sha256 is None or result.sha256 != picture.sha256()


def _leave_out(numbers: Set[int], file: Path) -> None:
    """Put a copy without some lines, counted from 1, in a file's place: it is the old one or the new one, whole."""
    with NamedTemporaryFile(dir=file.parent, prefix=f"{file.name}.", delete=False) as copy:
        try:
            with file.open("rb") as stream:
                copy.writelines(line for number, line in enumerate(stream, start=1) if number not in numbers)
            copy.flush()
            os.fsync(copy.fileno())
            shutil.copymode(file, copy.name)
            Path(copy.name).replace(file)
        except BaseException:
            Path(copy.name).unlink(missing_ok=True)
            raise


def _result(file: Path, number: int, line: bytes) -> StoredResult:
    try:
        return from_line(line)
    except ValueError as error:
        raise CommandError(f"{file}, line {number}: not a result: {error}") from None
