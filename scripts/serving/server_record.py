"""What is written down about a running server, so that another program can find it and end it."""

import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from serving.process_session import ProcessSession


class AlreadyRunningError(RuntimeError):
    """A server is recorded and runs; the message says where, and how to end it."""


class DamagedRecordError(RuntimeError):
    """The record can't be read; the message names its file."""


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """One server: its processes, its private temporary directory, and where it answers."""

    session: ProcessSession
    tmp_dir: str
    inference_url: str
    management_url: str

    @classmethod
    def load(cls, path: Path) -> "ServerRecord | None":
        """Read the record at `path`, None without one. Raises DamagedRecordError."""
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**fields, "session": ProcessSession(**fields["session"])})
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedRecordError(f"{path} is damaged: end the server by hand, then delete that file") from error

    def save(self, path: Path) -> None:
        """Write the record, whole or not at all. Raises AlreadyRunningError when there is one already."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        try:
            os.link(draft, path)  # unlike a rename, refuses to replace
        except FileExistsError as error:
            raise AlreadyRunningError("another scripts/serve was faster; scripts/stop ends its server") from error
        finally:
            draft.unlink()

    def stop(self, path: Path) -> None:
        """End the server and forget it. Raises TimeoutError, keeping the record, when a process survives."""
        self.session.stop()
        shutil.rmtree(self.tmp_dir, ignore_errors=True)
        if ServerRecord.load(path) == self:  # not a successor's
            path.unlink(missing_ok=True)


def forget_or_refuse(path: Path) -> None:
    """Make way for a new server: clear what a dead one left. Raises AlreadyRunningError when one lives."""
    record = ServerRecord.load(path)
    if record is None:
        return
    if record.session.members():
        raise AlreadyRunningError(f"a server already runs at {record.inference_url}; scripts/stop ends it")
    record.stop(path)
