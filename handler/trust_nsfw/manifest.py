"""manifest.json of an archive: which checkpoint and graph are inside, how it preprocesses, and what proves it."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from trust_nsfw.checkpoint import file_sha256, read_json
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import PreprocessingSpec

MANIFEST_FILE = "manifest.json"
CHECKPOINT_FOLDER = "checkpoint"
"""Folder of the checkpoint inside an archive, beside the manifest."""

GRAPH_FILE, GRAPH_CONSTANTS_FILE = "graph.xml", "graph.bin"
"""The OpenVINO graph inside an archive."""


@dataclass(frozen=True, slots=True)
class GoldenPair:
    """One encoded picture (base64) and the probabilities, by label, that the fp32 reference gave for it."""

    image_b64: str
    scores: dict[str, float]

    @property
    def payload(self) -> bytes:
        """The encoded picture's bytes."""
        return base64.b64decode(self.image_b64)


@dataclass(frozen=True, slots=True)
class Graph:
    """The OpenVINO graph of an archive.

    `precision` is the fastest it can be served in: a bf16 graph also serves fp32, any other only its own.
    `merge_tokens` is how many tokens a layer merges, `sha256` is over both of its files. A lossy graph, quantized or
    merging, has `golden` scores of its own: one entry per golden pair, by label, as computed where it was built. `gate`
    says how it compares with the fp32 reference, None where there was no gate; `forced` is true where trained weights
    are served by it although it did not pass one.
    """

    precision: str
    merge_tokens: int
    sha256: str
    golden: tuple[dict[str, float], ...] = ()
    gate: dict[str, Any] | None = None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the archive's builder recorded and the handler verifies before it serves."""

    checkpoint: str
    revision: str | None
    sha256: str
    weights: str
    labels: tuple[str, ...]
    preprocessing: PreprocessingSpec
    fingerprint: str
    source_sha256: str
    explanations: bool
    golden: tuple[GoldenPair, ...]
    graph: Graph | None = None
    temperature: float = 1.0
    build: dict[str, Any] = field(default_factory=dict)
    """What build_archive.py was asked for: precision, merged tokens, digests of the folders it measured on."""

    def write(self, directory: Path) -> None:
        """Write manifest.json into a directory."""
        content = json.dumps(asdict(self), indent=1, sort_keys=True)
        (directory / MANIFEST_FILE).write_text(content + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> "Manifest":
        """Read manifest.json; raises CheckpointError when it is missing, incomplete or contradicts itself."""
        return cls.parse(read_json(directory / MANIFEST_FILE))

    @classmethod
    def parse(cls, content: dict[str, Any]) -> "Manifest":
        """Build a manifest from the content of manifest.json."""
        try:
            spec = dict(content["preprocessing"])
            spec |= {"mean": tuple(spec["mean"]), "std": tuple(spec["std"])}
            manifest = cls(
                **content
                | {
                    "labels": tuple(content["labels"]),
                    "preprocessing": PreprocessingSpec(**spec),
                    "golden": tuple(GoldenPair(**pair) for pair in content["golden"]),
                    "graph": _graph(content["graph"]),
                }
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CheckpointError(f"{MANIFEST_FILE} is not a manifest of this version: {error}") from None
        if manifest.fingerprint != manifest.preprocessing.fingerprint:
            raise CheckpointError(f"{MANIFEST_FILE}: the fingerprint does not belong to the preprocessing recorded")
        if manifest.graph is not None and len(manifest.graph.golden) not in (0, len(manifest.golden)):
            raise CheckpointError(f"{MANIFEST_FILE}: the graph's golden scores are not one for each golden picture")
        return manifest

    @property
    def identity(self) -> str:
        """What scores depend on besides engine and precision: weights, temperature, the graph where there is one."""
        model = f"{self.sha256} {self.temperature}"
        return model if self.graph is None else f"{model} {self.graph.sha256}"

    def golden_for(self, engine: str) -> tuple[GoldenPair, ...]:
        """Return the pairs an engine must reproduce: the reference's, or a lossy graph's own."""
        if engine != "openvino" or self.graph is None or not self.graph.golden:
            return self.golden
        pairs = zip(self.golden, self.graph.golden, strict=True)
        return tuple(GoldenPair(pair.image_b64, scores) for pair, scores in pairs)


def graph_sha256(directory: Path) -> str | None:
    """Return one sha256 over graph.xml and graph.bin; None when either is missing."""
    files = [directory / GRAPH_FILE, directory / GRAPH_CONSTANTS_FILE]
    if not all(file.is_file() for file in files):
        return None
    return hashlib.sha256("".join(map(file_sha256, files)).encode()).hexdigest()


def _graph(content: Mapping[str, Any] | None) -> Graph | None:
    return None if content is None else Graph(**{**content, "golden": tuple(content["golden"])})
