"""Who is compared: an archive in a running server and, when it is ours, in a process of its own beside it."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from measuring.answers import Kind
from measuring.archives import Archive
from measuring.coprocess import LOADTEST, Coprocess
from measuring.servers import Server

Scores = list[dict[str, float]]
"""Probabilities by label, an entry per picture."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all contenders share: a folder for scratch, the folder of pictures, the reference's scores for them."""

    scratch: Path
    pictures: Path
    reference: Scores


class Contender:
    """A context manager: inside it the server runs, and `expected` holds what it must answer."""

    def __init__(self, archive: Archive, kind: Kind, place: Workplace, starts: int) -> None:
        """Take a built archive; the server will be started `starts` times, to time that."""
        self.name = archive.name
        self.kind: Kind = kind
        self.ready_seconds: list[float] = []
        self.description: dict[str, Any] = {}
        self.expected: Scores = []
        self._archive, self._place, self._starts = archive, place, starts
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start everything. Raises StartError or CoprocessError."""
        folder = self._place.scratch / self.name
        with ExitStack() as stack:
            for attempt in range(1, self._starts + 1):
                server = Server(self._archive, folder / f"server-{attempt}", self.kind)
                if attempt < self._starts:
                    with server:
                        self.ready_seconds.append(server.ready_seconds)
            self.server = stack.enter_context(server)
            self.ready_seconds.append(server.ready_seconds)
            self.idle_memory = server.worker_memory()
            self._load_beside(stack, folder)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self._stack.close()

    @property
    def batch_size(self) -> int:
        """The largest batch that the server forms."""
        size: int = self._archive.model_config()["batchSize"]
        return size

    @property
    def pids(self) -> list[int]:
        """Every process of it that lives between measurements."""
        beside = [self.beside.pid] if self.kind == "ours" else []
        return [pid for pids in self.server.groups().values() for pid in pids] + beside

    @property
    def shift_from_reference(self) -> float:
        """The largest difference of a probability from the fp32 reference."""
        return max(
            abs(wanted[label] - found[label])
            for wanted, found in zip(self._place.reference, self.expected, strict=True)
            for label in found
        )

    def _load_beside(self, stack: ExitStack, folder: Path) -> None:
        if self.kind == "stock":
            self.expected = self._place.reference
            self.description = {"engine": "transformers", "precision": "fp32"}
            return
        unpacked = self._archive.unpack(folder / "unpacked")
        self.beside = stack.enter_context(
            Coprocess(
                "measuring.in_process",
                [str(unpacked), str(self._place.pictures)],
                environ=self.server.worker_environment(),
                path=str(unpacked),
            )
        )
        self.description = self.beside.ask(what="describe")
        self.expected = self.beside.ask(what="expected")


def reference_scores(checkpoint: Path, pictures: Path, scratch: Path) -> Scores:
    """Return the fp32 probabilities of a checkpoint for a folder of pictures, from a process that then ends."""
    out = scratch / "reference.json"
    command: Sequence[str | Path] = [sys.executable, "-m", "measuring.reference", checkpoint, pictures, out]
    subprocess.run(command, check=True, cwd=LOADTEST)
    scores: Scores = json.loads(out.read_text(encoding="utf-8"))
    return scores


def told_apart(expected: Sequence[Mapping[str, float]], tolerance: float) -> float:
    """Return the share of pairs of pictures whose probabilities differ by more than the tolerance: those where one
    answer in the other's place would be noticed by its scores alone.
    """
    pairs = [(one, other) for index, one in enumerate(expected) for other in expected[:index]]
    different = sum(max(abs(one[label] - other[label]) for label in one) > tolerance for one, other in pairs)
    return different / len(pairs) if pairs else 0.0
