"""Where a report is written: loadtest/reports/<UTC time>-NAME, each file whole or not there."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from measuring import ROOT

REPORTS = ROOT / "loadtest/reports"


def new_folder(name: str, parent: Path = REPORTS) -> Path:
    """Return the path of a report that begins now; nothing is made yet, since it may never be written."""
    return parent / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}-{name}"


def write(folder: Path, files: Mapping[str, bytes | str]) -> None:
    """Write files by name, each under a temporary name first."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        draft = folder / f".{name}.{os.getpid()}"
        draft.write_bytes(content.encode() if isinstance(content, str) else content)
        draft.replace(folder / name)
