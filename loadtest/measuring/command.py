"""How a measuring command ends: by signals, with which status, and with what on stderr.

0: there is a report; 1: it could not be measured; 2: the command line was wrong; 3: an answer was wrong; 130: it was
interrupted.
"""

import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from measuring.answers import WrongAnswerError
from measuring.archives import BuildError
from measuring.coprocess import CoprocessError
from measuring.generator import NoRateError
from serving.java import JavaNotFoundError
from serving.torchserve_process import StartError
from serving.ts_config import ConfigError
from trust_nsfw.errors import StartupError

FAILED, WRONG_ANSWER, INTERRUPTED = 1, 3, 128 + signal.SIGINT
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXPECTED_FAILURES = (
    BuildError,
    ConfigError,
    CoprocessError,
    JavaNotFoundError,
    NoRateError,
    StartError,
    StartupError,
    KeyError,
    OSError,  # requests' errors too
    ValueError,
    psutil.Error,
    subprocess.CalledProcessError,
    zipfile.BadZipFile,
)


def run(
    name: str,
    measure: Callable[[], Path],
    *,
    summary: str | None = None,
    page: str = "",
    failures: tuple[type[Exception], ...] = (),
) -> int:
    """Measure, then show a summary (NAME.md) from the folder that `measure` returns; returns the exit status.

    `page` is the file of that folder to open, where it is more than the summary. Further `failures` end it with a
    sentence.
    """
    try:
        with _interrupted_by_signals():
            folder = measure()
    except WrongAnswerError as error:
        banner = "WRONG ANSWER: the figures are worthless and no report was written"
        print(f"\n{'!' * len(banner)}\n{banner}\n{error}\n{'!' * len(banner)}", file=sys.stderr)
        return WRONG_ANSWER
    except EXPECTED_FAILURES + failures as error:
        what = f"KeyError: {error}" if isinstance(error, KeyError) else error
        print(f"{name}: {what}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    print((folder / (summary or f"{name}.md")).read_text(encoding="utf-8"))
    print(f"report: {folder / page}")
    return 0


@contextmanager
def _interrupted_by_signals() -> Iterator[None]:
    """Turn the first signal into KeyboardInterrupt, so that servers and folders go; later ones don't cut that short."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        signal.default_int_handler(number, frame)

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
