"""A TorchServe to be measured, with one archive and the settings that this project ships."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import requests

from measuring import ROOT, prometheus
from measuring.answers import Kind
from measuring.archives import Archive
from measuring.process_usage import Groups, Memory, memory
from serving.ports import Ports, free_ports
from serving.torchserve_process import StartError, TorchServeProcess
from serving.ts_config import write_config

STARTUP_SECONDS = 300.0
READY_POLL_SECONDS = 0.1
REQUESTS = "ts_inference_requests_total"
COUNTERS = ("NsfwBatches", "NsfwImages", REQUESTS)
METRICS_SECONDS = 10.0


class Server:
    """One archive, served on free ports of loopback; a context manager that starts it and waits until it is ready.

    Baseline and product get the same config.properties; only the archive differs. Both serve on the CPU, where what is
    measured without a server runs too; with `gpus` the server takes those it finds.
    """

    def __init__(self, archive: Archive, folder: Path, kind: Kind, *, gpus: bool = False) -> None:
        """Prepare in a new folder."""
        store = folder / "store"
        store.mkdir(parents=True)
        self.archive = archive
        self.kind = kind
        self.model_name = "nsfw" if kind == "ours" else "stock"
        try:
            (store / f"{self.model_name}.mar").hardlink_to(archive.file)
        except OSError:  # another file system
            shutil.copyfile(archive.file, store / f"{self.model_name}.mar")
        self._ports = free_ports()
        properties = write_config(
            ROOT / "config.properties",
            folder / "config.properties",
            self._ports,
            {"load_models": f"{self.model_name}.mar"} | ({} if gpus else {"number_of_gpu": "0"}),
        )
        self._process = TorchServeProcess(properties, store, folder / "logs", model_name=self.model_name)
        self._workers: int = archive.model_config()["minWorkers"]
        self.ready_seconds = 0.0

    def __enter__(self) -> Self:
        """Start and wait. Raises StartError."""
        begun = time.perf_counter()
        try:
            self._process.start()
            self._process.wait_until_ready(STARTUP_SECONDS)
            while len(self._process.worker_pids()) < self._workers:
                if time.perf_counter() > begun + STARTUP_SECONDS:
                    raise StartError(f"{self._workers} workers were not ready within {STARTUP_SECONDS:.0f} s")
                time.sleep(READY_POLL_SECONDS)
        except BaseException:
            self._process.stop()
            raise
        self.ready_seconds = time.perf_counter() - begun
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every process."""
        self._process.stop()

    @property
    def target(self) -> dict[str, Any]:
        """Where and how a Load reaches it, and the processes whose time it takes."""
        return {
            "host": "127.0.0.1",
            "port": self._ports.inference,
            "path": f"/predictions/{self.model_name}",
            "kind": self.kind,
            "groups": self.groups(),
        }

    @property
    def ports(self) -> Ports:
        """The ports of loopback on which it answers."""
        return self._ports

    def groups(self) -> Groups:
        """Return the process ids of the workers and of Java."""
        java = [process.pid for process in self._process.session.members() if process.name() == "java"]
        return {"worker": self._process.worker_pids(), "java": java}

    def worker_memory(self) -> Memory:
        """Return what the workers hold together."""
        return memory(self._process.worker_pids())

    def worker_environment(self) -> dict[str, str]:
        """Return the environment that TorchServe gave the first worker."""
        return psutil.Process(self._process.worker_pids()[0]).environ()

    def counters(self) -> dict[str, float]:
        """Return the totals of batches and images that our handler has counted, and of requests by TorchServe."""
        text = requests.get(f"http://127.0.0.1:{self._ports.metrics}/metrics", timeout=METRICS_SECONDS).text
        return {name: _total(text, name) for name in COUNTERS}


def mean_batch(before: Mapping[str, float], after: Mapping[str, float]) -> float | None:
    """Return images per batch between two readings of the counters, None when there was no batch."""
    batches = after["NsfwBatches"] - before["NsfwBatches"]
    return (after["NsfwImages"] - before["NsfwImages"]) / batches if batches else None


def _total(text: str, name: str) -> float:
    """Sum a counter over its dimensions in Prometheus' text format; 0 for one that has not counted yet."""
    return prometheus.totals(text).get(name.removesuffix("_total"), 0.0)
