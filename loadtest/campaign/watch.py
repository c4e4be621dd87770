"""What the server does while it is measured: looked at twice a second, from outside."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import psutil

from campaign.counters import Counters
from campaign.errors import CampaignError
from campaign.place import Place
from campaign.record import ServerUse
from measuring.process_usage import MIB, Groups, cpu_seconds

EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """One look. CPU seconds by group since each one's start; None is what couldn't be seen."""

    time_s: float  # unix
    counters: Counters | None
    cpu: dict[str, float] | None
    memory_mib: float | None  # resident, workers and Java together
    pids: Groups = field(default_factory=dict)  # whose CPU it is


class Watch:
    """Looks at a server from entering to leaving, in a thread of its own."""

    def __init__(self, place: Place) -> None:
        """Prepare."""
        self._place = place
        self._groups: Groups = {}
        self._looks: list[Look] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Take the first look and go on."""
        self._groups = self._place.groups()
        self._looks.append(self._look())
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the last look."""
        self._over.set()
        self._thread.join()
        if error is None:
            self._looks.append(self._look())

    def use(self, start_s: float, end_s: float) -> ServerUse:
        """Return what the server took between two unix times."""
        return use_between(self._looks, start_s, end_s)

    def _watch(self) -> None:
        while not self._over.wait(EVERY_SECONDS):
            self._looks.append(self._look())

    def _look(self) -> Look:
        try:
            counters = Counters.of(self._place.metrics_text())
        except (CampaignError, ValueError):
            counters = None
        cpu, memory_mib = None, None
        if self._groups:
            try:
                cpu = cpu_seconds(self._groups)
                pids = [pid for group in self._groups.values() for pid in group]
                memory_mib = sum(psutil.Process(pid).memory_info().rss for pid in pids) / MIB
            except psutil.Error:  # a worker has ended: there may be another
                self._groups = self._place.groups()
        return Look(time.time(), counters, cpu, memory_mib, self._groups)


def use_between(looks: list[Look], start_s: float, end_s: float) -> ServerUse:
    """Return what happened between the looks nearest to two times; memory is the most that was seen between them.

    CPU is None of processes that others have replaced meanwhile. The queue's wait is the mean of all requests or, where
    it isn't counted (gRPC), the mean over the looks of the gauge for the latest request. Of TorchServe's own gauges
    the memory counts where processes can't be seen. Its CPU share does not: of how many cores, it doesn't say.
    """
    counted = _ends([one for one in looks if one.counters], start_s, end_s)
    timed = _ends([one for one in looks if one.cpu], start_s, end_s)
    during = Counters()
    if counted and counted[0].counters and counted[1].counters:
        during = counted[1].counters.since(counted[0].counters)
    cores: dict[str, float] = {}
    if timed and timed[0].cpu and timed[1].cpu and (seconds := timed[1].time_s - timed[0].time_s) > 0:
        cores = {
            name: max(timed[1].cpu[name] - cpu, 0.0) / seconds
            for name, cpu in timed[0].cpu.items()
            if name in timed[1].cpu and timed[0].pids.get(name) == timed[1].pids.get(name)
        }
    resident = [one.memory_mib for one in looks if one.memory_mib is not None and start_s <= one.time_s <= end_s]
    resident = resident or [one.memory_mib for one in looks if one.memory_mib is not None]
    return ServerUse(
        source="processes" if timed else "prometheus",
        worker_cores=cores.get("worker"),
        java_cores=cores.get("java"),
        memory_mib=max(resident) if resident else during.memory_mib,
        queue_ms=_gauged_queue_ms(looks, start_s, end_s) if during.queue_ms is None else during.queue_ms,
        batch_sizes={size: round(count) for size, count in sorted(during.batch_sizes.items(), key=_by_number)},
        cache_hits=round(during.cache_hits),
        cache_misses=round(during.cache_misses),
    )


def _gauged_queue_ms(looks: list[Look], start_s: float, end_s: float) -> float | None:
    shown = [one.counters.latest_queue_ms for one in looks if one.counters and start_s <= one.time_s <= end_s]
    seen = [value for value in shown if value is not None]
    return sum(seen) / len(seen) if seen else None


def _ends(looks: list[Look], start_s: float, end_s: float) -> tuple[Look, Look] | None:
    """Return the looks nearest to two times, None where there is none."""
    if not looks:
        return None
    first = min(looks, key=lambda one: abs(one.time_s - start_s))
    return first, min(looks, key=lambda one: abs(one.time_s - end_s))


def _by_number(item: tuple[str, float]) -> int:
    return int(item[0])
