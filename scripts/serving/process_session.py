"""The processes of one server: found and ended together, even by a program that didn't start them."""

import contextlib
import os
import signal
import time
from dataclasses import dataclass

import psutil

TERM_GRACE_SECONDS = 15.0  # TorchServe's own orderly end takes two to four
KILL_GRACE_SECONDS = 5.0
POLL_SECONDS = 0.1
CLOCK_TOLERANCE_SECONDS = 2.0  # start times count from boot, which an adjusted clock shifts


@dataclass(frozen=True, slots=True)
class ProcessSession:
    """A session (as in setsid), named by its leader's id and, since ids are used again, the leader's start time.

    `leader_started` is in seconds since the epoch.
    """

    leader_pid: int
    leader_started: float

    @classmethod
    def led_by(cls, pid: int) -> "ProcessSession":
        """Return the session that the running process `pid` leads."""
        return cls(pid, psutil.Process(pid).create_time())

    def members(self) -> list[psutil.Process]:
        """Return what still runs, with or without the leader. A zombie doesn't run."""
        members = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError, PermissionError):
                if os.getsid(process.pid) == self.leader_pid and process.status() != psutil.STATUS_ZOMBIE:
                    members.append(process)
        return [] if any(self._is_a_stranger(process) for process in members) else members

    def stop(self) -> None:
        """End every member: SIGTERM, then SIGKILL. Raises TimeoutError, naming them, when some survive both."""
        for number, grace_seconds in ((signal.SIGTERM, TERM_GRACE_SECONDS), (signal.SIGKILL, KILL_GRACE_SECONDS)):
            deadline = time.monotonic() + grace_seconds
            while (members := self.members()) and time.monotonic() < deadline:
                for process in members:  # at every look, since Java may have started another worker
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.send_signal(number)
                time.sleep(POLL_SECONDS)
        if survivors := self.members():
            raise TimeoutError(f"processes {[process.pid for process in survivors]} survived SIGKILL")

    def _is_a_stranger(self, process: psutil.Process) -> bool:
        """Whether the leader's id belongs to another program by now."""
        if process.pid != self.leader_pid:
            return False
        return abs(process.create_time() - self.leader_started) > CLOCK_TOLERANCE_SECONDS
