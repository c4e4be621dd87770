"""A checkpoint in a directory of this machine."""

from pathlib import Path

from model_sources import files
from model_sources.record import SourceRecord

LICENSE_FILE = "LICENSE"


def fetch(staging: Path, directory: Path) -> None:
    """Copy the checkpoint in `directory` into the empty directory `staging`, with the record of where it came from.

    Raises CheckpointError when a needed file is missing.
    """
    names = {file.name for file in directory.iterdir() if file.is_file()}
    files.collect(names, lambda name: files.copy(directory / name, staging / name), staging)
    if LICENSE_FILE in names:
        files.copy(directory / LICENSE_FILE, staging / LICENSE_FILE)
    SourceRecord.read(directory).write(staging)
