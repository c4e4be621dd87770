"""How a long run is going: a bar on stderr."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task
from rich.text import Text

from trust_nsfw.cli.tally import ENDS, Tally
from trust_nsfw.cli.terminal import console
from trust_nsfw.cli.writers import STYLES, Format

BAR_COLUMNS = 12


class _Pace(ProgressColumn):
    """Images a second from the start, and the time left at that pace: batches come too unevenly for less."""

    def render(self, task: Task) -> Text:
        if not task.completed or not task.elapsed:
            return Text()
        rate = task.completed / task.elapsed
        return Text(f"{rate:.1f}/s {timedelta(seconds=round((task.remaining or 0) / rate))}")


class _Counts(ProgressColumn):
    """The counts of a run's tally."""

    def __init__(self, tally: Tally) -> None:
        super().__init__()
        self._tally = tally

    def render(self, task: Task) -> Text:
        return Text(" ").join(Text(f"{self._tally.counts[end]} {end}", STYLES[end]) for end in ENDS)


def is_in_the_way(output: Path | None, kind: Format) -> bool:
    """Tell whether there is nobody to see a bar, or results scroll through the terminal that would show it."""
    streams = output is None and kind is not Format.TABLE and sys.stdout.isatty()
    return streams or not sys.stderr.isatty()


@contextmanager
def progress_bar(tally: Tally, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar while the block lasts; yields what to call with the number of images done since."""
    columns = (BarColumn(BAR_COLUMNS), MofNCompleteColumn(), _Pace(), _Counts(tally))
    # What is printed to stdout is for whoever reads stdout: rich would lead it around the bar, to stderr.
    with Progress(
        *columns, console=console(stderr=True), disable=not shown, transient=True, redirect_stdout=False
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda images: bar.advance(task, images)
