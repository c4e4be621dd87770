"""Where a report is written: loadtest/reports/<UTC time>-NAME, whole or not there."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from measuring import ROOT

REPORTS = ROOT / "loadtest/reports"


def new_folder(name: str, parent: Path = REPORTS) -> Path:
    """Return the path of a report that begins now; nothing is made yet, since it may never be written."""
    return parent / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}-{name}"


def write(folder: Path, files: Mapping[str, Callable[[], bytes | str]]) -> None:
    """Make files by name, in their order, in a folder beside; then rename that, or its files where `folder` exists.

    When one can't be made, those before it are put in place all the same: what was measured is not lost with it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}")
    draft.mkdir()
    try:
        for name, make in files.items():
            content = make()
            (draft / name).write_bytes(content.encode() if isinstance(content, str) else content)
    finally:
        if folder.exists():
            for file in draft.iterdir():
                file.replace(folder / file.name)
            draft.rmdir()
        else:
            draft.rename(folder)
