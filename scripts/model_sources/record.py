"""Where a checkpoint came from: the source.json beside its weights."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from trust_nsfw.checkpoint import read_json
from trust_nsfw.errors import CheckpointError

SOURCE_FILE = "source.json"
WeightsKind = Literal["trained", "random"]


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """What a served answer says of its checkpoint: its id, the exact revision of it, and the license it came under."""

    checkpoint: str
    revision: str | None = None
    weights: WeightsKind = "trained"
    license: str | None = None

    @classmethod
    def read(cls, directory: Path) -> "SourceRecord":
        """Read a checkpoint directory's record; one without source.json is a local one, named by its directory.

        Raises CheckpointError when source.json is malformed, naming the key.
        """
        file = directory / SOURCE_FILE
        if not file.exists():
            return cls(checkpoint=directory.resolve().name)
        content = read_json(file)
        if unknown := content.keys() - {field.name for field in fields(cls)}:
            raise CheckpointError(f"{file}: unknown key {', '.join(sorted(unknown))}")
        if wrong := [key for key, value in content.items() if not isinstance(value, str | None)]:
            raise CheckpointError(f"{file}: {', '.join(wrong)} must be text or null")
        if not content.get("checkpoint"):
            raise CheckpointError(f"{file}: checkpoint is missing")
        if (weights := content.get("weights", "trained")) not in get_args(WeightsKind):
            raise CheckpointError(f"{file}: weights is {weights!r}; it must be {' or '.join(get_args(WeightsKind))}")
        return cls(**content)

    def write(self, directory: Path) -> None:
        """Write source.json into an existing directory, atomically."""
        partial = directory / f".{SOURCE_FILE}.partial"
        partial.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        partial.replace(directory / SOURCE_FILE)
