"""The files of a checkpoint: which ones are needed, and how they are copied."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from trust_nsfw.checkpoint import read_json
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import RECORD_FILE
from trust_nsfw.temperature import CALIBRATION_FILE

DESCRIPTIONS = ("config.json", "preprocessor_config.json")
RECORDS = (CALIBRATION_FILE, RECORD_FILE)
"""What a checkpoint may do without, but must not lose: its scores would silently be others."""

SAFETENSORS = "model.safetensors"
SHARD_INDEX = "model.safetensors.index.json"
PICKLE = "pytorch_model.bin"

COPY_CHUNK_BYTES = 8 * 2**20
PROGRESS_FROM_BYTES = 16 * 2**20


def collect(names: Collection[str], get: Callable[[str], object], staging: Path) -> None:
    """Call `get` for each of `names` that a checkpoint needs, which puts the file into `staging`.

    Of the weights the best form that is there: safetensors, in one file or in shards, else PyTorch's pickle. Its
    temperature and the record of its preprocessing come along where they are among the names. Raises CheckpointError
    when something needed is not.
    """
    weights = next((name for name in (SAFETENSORS, SHARD_INDEX, PICKLE) if name in names), SAFETENSORS)
    _get_all((*DESCRIPTIONS, *(name for name in RECORDS if name in names), weights), names, get)
    if weights == SHARD_INDEX:
        _get_all(shard_names(staging), names, get)


def shard_names(directory: Path) -> list[str]:
    """Return the plain names of the shards that model.safetensors.index.json lists; raises CheckpointError."""
    weight_map = read_json(directory / SHARD_INDEX).get("weight_map")
    shards = sorted(set(map(str, weight_map.values()))) if isinstance(weight_map, dict) else []
    if not shards or any("/" in name or not name.endswith(".safetensors") for name in shards):
        raise CheckpointError(f"{SHARD_INDEX} lists no safetensors shards beside it")
    return shards


def copy(source: Path, destination: Path) -> None:
    """Copy one file's content, following links."""
    size_bytes = source.stat().st_size
    bar = progress_bar(f"Copying {destination.name}", size_bytes)
    with source.open("rb") as reader, destination.open("wb") as writer, bar:
        while chunk := reader.read(COPY_CHUNK_BYTES):
            bar.update(writer.write(chunk))


def progress_bar(title: str, size_bytes: int, done_bytes: int = 0) -> "tqdm[NoReturn]":
    """Return a bar that counts bytes on stderr; it stays silent for a small file, and where nobody watches."""
    silent = True if size_bytes < PROGRESS_FROM_BYTES else None  # None: unless stderr is a terminal
    return tqdm(desc=title, total=size_bytes, initial=done_bytes, unit="B", unit_scale=True, disable=silent)


def _get_all(needed: Sequence[str], names: Collection[str], get: Callable[[str], object]) -> None:
    if missing := [name for name in needed if name not in names]:
        raise CheckpointError(f"the checkpoint has no {' and no '.join(missing)}")
    for name in needed:
        get(name)
