"""manifest.json of an archive: which checkpoint is inside, how it preprocesses, and golden pairs that prove it."""

import base64
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trust_nsfw.checkpoint import read_json
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import PreprocessingSpec

MANIFEST_FILE = "manifest.json"
CHECKPOINT_FOLDER = "checkpoint"
"""Folder of the checkpoint inside an archive, beside the manifest."""


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
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f"{MANIFEST_FILE} is not a manifest of this version: {error}") from None
        if manifest.fingerprint != manifest.preprocessing.fingerprint:
            raise CheckpointError(f"{MANIFEST_FILE}: the fingerprint does not belong to the preprocessing recorded")
        return manifest
