"""What is going on, for whoever waits: a bar on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class CampaignProgress:
    """Steps of a known length, one after another. `planned_seconds` is that of all; reality corrects it."""

    def __init__(self, planned_seconds: float, out: TextIO = sys.stdout) -> None:
        """Show nothing yet."""
        self._planned = planned_seconds
        self._done = 0.0
        self._began = time.monotonic()
        self._step_began, self._step_seconds = self._began, 0.0
        self._terminal = out.isatty()
        self._console = Console(file=out, highlight=False, soft_wrap=True)
        self._last = ""
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}  {task.fields[last]}"),
            console=self._console,
            transient=True,
            disable=not self._terminal,
        )
        self._task = self._bar.add_task("starting", total=planned_seconds, left="", last="")

    def __enter__(self) -> Self:
        """Begin."""
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Clear the bar."""
        self._bar.stop()

    @contextmanager
    def step(self, what: str, seconds: float) -> Iterator[None]:
        """Show a step that should take `seconds`; call tick meanwhile."""
        self._step_began, self._step_seconds = time.monotonic(), seconds
        self._bar.update(self._task, description=what)
        self.tick()
        yield
        self._done += seconds
        self._step_seconds = 0.0
        self.tick()

    def tick(self) -> None:
        """Move on."""
        within = min(time.monotonic() - self._step_began, self._step_seconds)
        done = min(self._done + within, self._planned)
        left = f"about {clock(remaining(self._planned, done, time.monotonic() - self._began))} left"
        self._bar.update(self._task, completed=done, left=left, last=self._last)

    def say(self, line: str) -> None:
        """Tell a figure, or what else is worth a line."""
        self._last = line
        if self._terminal:
            self.tick()
            return
        self._console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False)

    def warn(self, line: str) -> None:
        """Tell something that stays on the screen."""
        self._console.print(f"{time.strftime('%H:%M:%S')} {line}", markup=False, style="bold yellow")


def remaining(planned: float, done: float, elapsed: float) -> float:
    """Return the seconds that are left: what was planned, at the pace so far once that is known."""
    pace = elapsed / done if done > planned / 20 else 1.0
    return max(planned - done, 0.0) * pace


def clock(seconds: float) -> str:
    """Return minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
