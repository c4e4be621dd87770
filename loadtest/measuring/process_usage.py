"""CPU time and memory of processes, by group."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 2**20
PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)

Groups = Mapping[str, Sequence[int]]
"""Process ids by what they are: worker, java."""


@dataclass(frozen=True, slots=True)
class Memory:
    """MiB of a group of processes. Resident pages count in full in `rss`, shared ones in part in `pss`.

    `peak_rss` is the most that was ever resident, as the kernel keeps it.
    """

    rss: float
    pss: float
    peak_rss: float


def cpu_seconds(groups: Groups) -> dict[str, float]:
    """Return user and system seconds since each group's start, ended children included."""
    return {name: sum(_cpu_seconds(pid) for pid in pids) for name, pids in groups.items()}


def busy_seconds() -> float:
    """Return the seconds that all cores together have worked for anybody, a hypervisor's other guests included."""
    times = psutil.cpu_times()._asdict()
    guests = ("guest", "guest_nice")  # within user and nice already
    return float(sum(value for name, value in times.items() if name not in {"idle", "iowait", *guests}))


def memory(pids: Sequence[int]) -> Memory:
    """Return the memory of some processes together."""
    full = [psutil.Process(pid).memory_full_info() for pid in pids]
    status = [Path(f"/proc/{pid}/status").read_text(encoding="ascii") for pid in pids]
    peaks = [match for text in status if (match := PEAK.search(text))]
    return Memory(
        rss=sum(info.rss for info in full) / MIB,
        pss=sum(info.pss for info in full) / MIB,
        peak_rss=sum(int(match[1]) for match in peaks) / 1024,
    )


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
