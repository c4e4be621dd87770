"""An archive's own code and model without a server: `python -m measuring.in_process ARCHIVE_FOLDER PICTURES`.

Started with the worker's environment and the archive's code, it loads what a worker loads. Questions are
{"what": "describe" | "expected" | "engine" | "pipeline" | "lone", ...}; rates are images per second.
"""

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measuring.coprocess import answer_questions
from measuring.pictures import jpegs_of
from traffic.fresh import Fresh
from trust_nsfw import strict_yaml
from trust_nsfw.golden import TOLERANCES
from trust_nsfw.images import decode
from trust_nsfw.preprocess import to_model_input
from trust_nsfw.schema import Answer, Item, Request, Verdict
from trust_nsfw.service import Service

WARMUP_CALLS = 2


class Archive:
    """A loaded archive and the pictures to run through it."""

    def __init__(self, folder: Path, pictures: Sequence[bytes]) -> None:
        """Load as a worker does, golden replay included."""
        self.model_config = strict_yaml.load(folder / "model-config.yaml")
        self.service = Service.load(folder, self.model_config, gpu_id=None, version="1.0")
        self.pipeline = self.service.pipeline
        self.pictures = pictures
        self.fresh = Fresh()

    def answer(self, question: dict[str, Any]) -> Any:
        """Do what a question asks."""
        match question.pop("what"):
            case "describe":
                return self.describe()
            case "expected":
                return self.expected()
            case "engine":
                return self.engine_rate(**question)
            case "pipeline":
                return self.pipeline_rate(**question)
            case "lone":
                return self.lone(**question)
            case unknown:
                raise ValueError(f"no question is called {unknown!r}")

    def describe(self) -> dict[str, Any]:
        """Return what runs: engine, precision, tokens merged a layer; how far it may be off; and the settings."""
        model, graph = self.service.model, self.service.manifest.graph
        return {
            "engine": model.engine,
            "precision": model.precision,
            "merge_tokens": graph.merge_tokens if graph and model.engine == "openvino" else 0,
            "golden_tolerance": TOLERANCES[model.precision],
            "checkpoint": model.checkpoint,
            "weights": model.weights,
            "model_config": self.model_config,
        }

    def expected(self) -> dict[str, list[Any]]:
        """Return each picture's scores, by label, and action, in batches as large as the server forms at most."""
        verdicts, batch = [], self.model_config["batchSize"]
        for start in range(0, len(self.pictures), batch):
            verdicts += self.classify(self.pictures[start : start + batch])
        return {
            "scores": [verdict.scores.classes() for verdict in verdicts],
            "actions": [verdict.decision.action for verdict in verdicts],
        }

    def engine_rate(self, batch: int, seconds: float) -> float:
        """Run the bare engine on ready tensors."""
        inputs = [self.model_input(picture) for picture in self.pictures]
        batches = [
            np.stack(list(itertools.islice(itertools.cycle(inputs), start, start + batch)))
            for start in range(0, max(len(inputs), batch), batch)
        ]
        turns = itertools.cycle(batches)
        return batch * calls_per_second(lambda: self.pipeline.engine.probabilities(next(turns)), seconds)

    def pipeline_rate(self, batch: int, seconds: float) -> float:
        """Run bytes through everything but the server; every image's bytes are new."""
        turns = self._endless()
        return batch * calls_per_second(lambda: self.classify([next(turns) for _ in range(batch)]), seconds)

    def lone(self, seconds: float) -> dict[str, list[float]]:
        """Time one picture at a time, in ms: decode to the model's size, forward pass, and the whole pipeline."""
        times: dict[str, list[float]] = {"decode": [], "forward": [], "pipeline": []}
        turns, end = self._endless(), time.perf_counter() + seconds
        for number in itertools.count():
            picture = next(turns)
            started = time.perf_counter()
            tensor = self.model_input(picture)
            decoded = time.perf_counter()
            self.pipeline.engine.probabilities(tensor[np.newaxis])
            scored = time.perf_counter()
            self.classify([picture])
            ended = time.perf_counter()
            if number >= WARMUP_CALLS:
                times["decode"].append(1000 * (decoded - started))
                times["forward"].append(1000 * (scored - decoded))
                times["pipeline"].append(1000 * (ended - scored))
            if ended > end and times["decode"]:
                return times
        raise AssertionError("unreachable")

    def model_input(self, picture: bytes) -> NDArray[np.uint8]:
        """Decode one opaque picture to what the engine takes: uint8 [H, W, 3]."""
        spec = self.service.manifest.preprocessing
        view = next(decode(picture, self.pipeline.settings.limits, spec.decoded_at_least).views)
        return to_model_input(view.rgb, spec, view.box)

    def classify(self, pictures: Sequence[bytes]) -> list[Verdict]:
        """Answer a batch of requests with one picture each. Raises ValueError for a picture that fails."""
        verdicts = []
        for answer in self.pipeline.classify([Request(items=(Item(picture),)) for picture in pictures]):
            if not isinstance(answer, Answer) or not isinstance(verdict := answer.results[0], Verdict):
                raise ValueError(f"a picture was not scored: {answer}")
            verdicts.append(verdict)
        return verdicts

    def _endless(self) -> Iterator[bytes]:
        return (self.fresh.bytes_of(picture) for picture in itertools.cycle(self.pictures))


def calls_per_second(call: Callable[[], Any], seconds: float) -> float:
    """Return the rate of calls over at least `seconds` and one call, after a warm-up."""
    for _ in range(WARMUP_CALLS):
        call()
    started = time.perf_counter()
    for count in itertools.count(1):
        call()
        if (elapsed := time.perf_counter() - started) >= seconds:
            return count / elapsed
    raise AssertionError("unreachable")


def main() -> None:
    """Load, then answer."""
    archive = Archive(Path(sys.argv[1]), jpegs_of(Path(sys.argv[2])))
    answer_questions(archive.answer)


if __name__ == "__main__":
    main()
