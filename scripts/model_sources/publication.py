"""From a staging directory to a finished one: whoever looks finds a whole checkpoint, or none."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder, made if need be, for this process; another one that wants it waits."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def staging_for(destination: Path) -> Iterator[Path]:
    """Yield an empty directory beside `destination`; what is not published when the block ends is removed.

    What a killed process left is cleared here, and a replacement that it left halfway is undone.
    """
    old = _old(destination)
    if old.exists() and not destination.exists():
        old.rename(destination)
    shutil.rmtree(old, ignore_errors=True)
    staging = destination.with_name(f".{destination.name}.partial")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def is_free(destination: Path, sign: str) -> bool:
    """Tell whether a result may go there: nothing is there, or an empty folder, or an earlier one, which has `sign`."""
    if not destination.exists():
        return True
    return destination.is_dir() and ((destination / sign).is_file() or not any(destination.iterdir()))


def publish(staging: Path, destination: Path) -> None:
    """Rename `staging` to `destination`; what was there stands aside first and is removed last."""
    if destination.exists():
        destination.rename(_old(destination))
    staging.rename(destination)
    shutil.rmtree(_old(destination), ignore_errors=True)


def _old(destination: Path) -> Path:
    return destination.with_name(f".{destination.name}.old")
