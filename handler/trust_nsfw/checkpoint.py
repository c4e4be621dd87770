"""Read what a checkpoint directory says of itself: its five labels and the sha256 of its weights."""

import hashlib
import json
from pathlib import Path
from typing import Any

from trust_nsfw.errors import CheckpointError
from trust_nsfw.schema import LABELS

WEIGHTS_PATTERN = "model*.safetensors"
SYNONYMS = {"drawings": "drawing"}


def read_labels(directory: Path) -> tuple[str, ...]:
    """Return the five class names of LABELS in the order of the checkpoint's outputs.

    Raises CheckpointError when config.json is missing or unreadable, or names anything but the five labels.
    """
    names = read_json(directory / "config.json").get("id2label")
    if not isinstance(names, dict) or not names:
        raise CheckpointError(f"{directory}/config.json has no id2label: not an image classifier")
    try:
        ordered = [str(names[str(index)]).strip().lower() for index in range(len(names))]
    except KeyError as missing:
        raise CheckpointError(f"{directory}/config.json: id2label has no entry {missing}") from None
    labels = tuple(SYNONYMS.get(name, name) for name in ordered)
    if sorted(labels) != sorted(LABELS):
        raise CheckpointError(
            f"{directory}/config.json: the labels are {', '.join(ordered)}; needed are {', '.join(LABELS)}"
        )
    return labels


def weights_sha256(directory: Path) -> str:
    """Return the sha256 of the safetensors weights: of the file itself, or of all shards' digests in name order."""
    files = sorted(directory.glob(WEIGHTS_PATTERN))
    if not files:
        raise CheckpointError(f"{directory} holds no {WEIGHTS_PATTERN}")
    digests = [file_sha256(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object; raises CheckpointError naming the file when that fails."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise CheckpointError(f"{file} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{file} holds no JSON object")
    return content


def file_sha256(file: Path) -> str:
    """Return the sha256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def has_weights(directory: Path) -> bool:
    """Whether the directory holds weights; an archive for CPUs alone may leave them out."""
    return any(directory.glob(WEIGHTS_PATTERN))
