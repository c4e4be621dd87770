"""Follows a log file that another program appends to and rolls over."""

from pathlib import Path


class LogTail:
    """The lines that `path` gains after this object was made; the file may not exist yet."""

    def __init__(self, path: Path) -> None:
        """Start at the file's present end."""
        self.path = path
        self._offset = path.stat().st_size if path.exists() else 0
        self._unfinished = b""

    def new_lines(self) -> list[str]:
        """Return the whole lines since the last call, without their ends; a roll-over starts the file anew."""
        if not self.path.exists():
            return []
        if self.path.stat().st_size < self._offset:
            self._offset, self._unfinished = 0, b""
        with self.path.open("rb") as log:
            log.seek(self._offset)
            added = log.read()
        self._offset += len(added)
        *whole, self._unfinished = (self._unfinished + added).split(b"\n")
        return [line.decode("utf-8", errors="replace") for line in whole]
