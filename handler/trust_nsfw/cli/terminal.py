"""What may be written to a terminal, and when Ctrl-C may stop it."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

UNBOUNDED_COLUMNS = 100_000
"""Nothing is wrapped in a file or a pipe: there is no screen to fit."""


def console(*, stderr: bool = False) -> Console:
    """Return a console on stdout or stderr; it invents neither colours nor numbers' highlights."""
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = UNBOUNDED_COLUMNS
    return made


def print_table(screen: Console, table: Table) -> None:
    """Print a table without the blanks that fill its last column."""
    with screen.capture() as captured:
        screen.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip(), file=screen.file)


def counted(number: int, thing: str) -> str:
    """Return `1 image`, `1,200 images`."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def one_line(text: str) -> str:
    """Return a text with every control character and every byte that is no character escaped.

    A file's name is anybody's choice: it must neither break a line nor steer the terminal.
    """
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def show(result: str) -> None:
    """Print a result, in one line on stdout."""
    print(one_line(result))


def say(message: str) -> None:
    """Tell the user something, in one line on stderr: stdout is for results."""
    print(one_line(message), file=sys.stderr)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C back until the block ends: what is written in it is whole or absent. For the main thread only."""
    held: list[int] = []
    previous = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if held:
            signal.raise_signal(signal.SIGINT)
