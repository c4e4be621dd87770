"""Where results go: a table for people, JSON lines or CSV for programs."""

import csv
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import BinaryIO, Protocol

from rich.console import Console
from rich.table import Table
from rich.text import Text

from trust_nsfw.cli.lines import Result, action_of, to_line
from trust_nsfw.cli.terminal import UNBOUNDED_COLUMNS, console, one_line, print_table, uninterrupted
from trust_nsfw.client import Failure
from trust_nsfw.schema import GROUPS, LABELS, Reason

STYLES = {"allow": "green", "review": "yellow", "blur": "red", "error": "bold red"}
CSV_COLUMNS = (
    *("path", "action", "label", *LABELS, *GROUPS, "reasons", "labels"),
    *("policy", "sha256", "error_code", "error_message"),
)


class Format(StrEnum):
    """What results look like."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


SUFFIXES = {".jsonl": Format.JSONL, ".ndjson": Format.JSONL, ".csv": Format.CSV}


class Writer(Protocol):
    """Takes results in order."""

    def write(self, results: Sequence[tuple[str, Result]]) -> None:
        """Take some results with their paths."""


def format_of(output: Path | None) -> Format:
    """Return the format that a file's name asks for; a table where it asks for none."""
    return SUFFIXES.get(output.suffix.lower(), Format.TABLE) if output else Format.TABLE


@contextmanager
def open_writer(kind: Format, output: Path | None) -> Iterator[Writer]:
    """Open a writer at the end of a file or on stdout; a table is written when the block ends, however it ends."""
    if kind is Format.TABLE:
        table = TableWriter()
        with _text_console(output) as screen:
            try:
                yield table
            finally:
                table.show(screen)
        return
    header = _csv_row(CSV_COLUMNS) if kind is Format.CSV else ""
    to_text = to_line if kind is Format.JSONL else to_csv
    if output is None:
        yield LineWriter(sys.stdout.buffer, to_text, header)
        return
    with output.open("ab") as stream:
        yield LineWriter(stream, to_text, header)


class LineWriter:
    """Writes results as they come; whatever happens, what is written are whole lines."""

    def __init__(self, stream: BinaryIO, to_text: Callable[[str, Result], str], header: str) -> None:
        self._stream = stream
        self._to_text = to_text
        self._put(header)

    def write(self, results: Sequence[tuple[str, Result]]) -> None:
        """Write one line per result, and push them out."""
        self._put("".join(self._to_text(path, result) for path, result in results))

    def _put(self, text: str) -> None:
        with uninterrupted():
            self._stream.write(text.encode(errors="surrogateescape"))
            self._stream.flush()


class TableWriter:
    """Keeps results and shows them all together, for only then its columns' widths are known."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, Result]] = []

    def write(self, results: Sequence[tuple[str, Result]]) -> None:
        """Keep some results."""
        self._rows.extend(results)

    def show(self, screen: Console) -> None:
        """Print the table; a path that is too long for its column goes on in the next line."""
        if not self._rows:
            return
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("path", overflow="fold")
        table.add_column("action", no_wrap=True)
        table.add_column("label", no_wrap=True)
        table.add_column("why", overflow="fold")
        for path, result in self._rows:
            action = action_of(result)
            table.add_row(one_line(path), Text(action, STYLES[action]), _label(result), one_line(_why(result)))
        print_table(screen, table)


def to_csv(path: str, result: Result) -> str:
    """Write a result as one row of CSV_COLUMNS."""
    if isinstance(result, Failure):
        blank = [""] * (len(CSV_COLUMNS) - 4)
        return _csv_row((path, action_of(result), *blank, result.code, result.message))
    policy = result.policy
    labels = "; ".join(f"{entry.label} {entry.score}" for entry in result.labels or ())
    return _csv_row(
        (
            *(path, action_of(result), result.label),
            *result.scores.classes().values(),
            *result.scores.groups().values(),
            *(_why(result), labels, f"{policy.name} {policy.version}", result.image.sha256, "", ""),
        )
    )


def _csv_row(values: Sequence[object]) -> str:
    row = StringIO()
    csv.writer(row, lineterminator="\n").writerow(values)
    return row.getvalue()


def _label(result: Result) -> str:
    """Return the class and its score, or all those that the caller asked to see."""
    if isinstance(result, Failure):
        return ""
    if not result.labels:
        return f"{result.label} {result.scores.classes()[result.label]:.2f}"
    return "\n".join(f"{entry.label} {entry.score:.2f}" for entry in result.labels)


def _why(result: Result) -> str:
    if isinstance(result, Failure):
        return f"{result.code}: {result.message}"
    return "; ".join(f"{reason_text(reason)} ({reason.rule})" for reason in result.reasons)


def reason_text(reason: Reason) -> str:
    """Return a reason as a comparison: `sexy 0.718 >= 0.6`."""
    return f"{reason.score} {reason.value:.3f} >= {reason.threshold:g}"


@contextmanager
def _text_console(output: Path | None) -> Iterator[Console]:
    if output is None:
        yield console()
        return
    with output.open("a", encoding="utf-8") as stream:
        yield Console(file=stream, width=UNBOUNDED_COLUMNS)
