"""Who is compared: an archive in a running server and, when it is ours, in a process of its own beside it."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from measuring.answers import Kind, WrongAnswerError
from measuring.archives import Archive
from measuring.coprocess import LOADTEST, Coprocess
from measuring.expectations import Scores, learned, problem_of_shift, required_told_apart, shift
from measuring.servers import Server


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
        self.told_apart = 0.0
        self._archive, self._place, self._starts = archive, place, starts
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start everything. Raises StartError, CoprocessError, ValueError for pictures that can't be told apart, and
        WrongAnswerError for an archive that lies too far from the reference.
        """
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
            self.told_apart = required_told_apart(self.name, self.kind, self.expected)
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
        return shift(self._place.reference, self.expected)

    def _load_beside(self, stack: ExitStack, folder: Path) -> None:
        if self.kind == "stock":
            self.expected = self._place.reference
            self.description = {"engine": "transformers", "precision": "fp32", "merge_tokens": 0}
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
        self.expected, actions = learned(self.beside, self.name)
        self.description = self.beside.ask(what="describe") | {"actions": dict(Counter(actions))}
        if problem := problem_of_shift(self.description, self.shift_from_reference):
            raise WrongAnswerError(f"{self.name}: {problem}")


def reference_scores(checkpoint: Path, pictures: Path, scratch: Path) -> Scores:
    """Return the fp32 probabilities of a checkpoint for a folder of pictures, from a process that then ends."""
    out = scratch / "reference.json"
    command: Sequence[str | Path] = [sys.executable, "-m", "measuring.reference", checkpoint, pictures, out]
    subprocess.run(command, check=True, cwd=LOADTEST)
    scores: Scores = json.loads(out.read_text(encoding="utf-8"))
    return scores
