"""Whatever form a checkpoint's weights come in, one model.safetensors, without running the code of a pickle."""

import pickle
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from model_sources.files import PICKLE, SAFETENSORS, SHARD_INDEX, shard_names
from trust_nsfw.errors import CheckpointError


def to_one_safetensors(directory: Path) -> None:
    """Replace shards and their index, or pytorch_model.bin, by model.safetensors; leave one that is there alone.

    Raises CheckpointError when a file holds anything but tensors.
    """
    if (directory / SAFETENSORS).exists():
        return
    if (directory / SHARD_INDEX).exists():
        sources = shard_names(directory)
        tensors = _read_shards(directory, sources)
        sources.append(SHARD_INDEX)
    else:
        sources = [PICKLE]
        tensors = _read_pickle(directory / PICKLE)
    # Tensors that share memory, as tied weights do, can only be saved apart.
    apart = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    (directory / SAFETENSORS).write_bytes(save(apart, metadata={"format": "pt"}))
    for name in sources:
        (directory / name).unlink()


def _read_shards(directory: Path, shards: list[str]) -> dict[str, torch.Tensor]:
    try:
        return {key: tensor for shard in shards for key, tensor in load_file(directory / shard).items()}
    except SafetensorError as error:
        raise CheckpointError(f"the weights are not safetensors: {error}") from None


def _read_pickle(file: Path) -> dict[str, torch.Tensor]:
    """Read with PyTorch's weights-only reader, which knows tensors and refuses every other kind of object."""
    try:
        tensors = torch.load(file, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        kind = type(error).__name__
        raise CheckpointError(f"{file.name} is damaged, or holds more than tensors, and stays shut ({kind})") from None
    if not isinstance(tensors, dict) or not all(isinstance(value, torch.Tensor) for value in tensors.values()):
        raise CheckpointError(f"{file.name} is not a plain dictionary of tensors")
    return tensors
