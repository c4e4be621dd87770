"""Shards and pickles become one model.safetensors; code in a pickle never runs."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from model_sources.conversion import to_one_safetensors
from trust_nsfw.errors import CheckpointError

TENSORS = {"layer.weight": torch.arange(6.0).reshape(2, 3), "layer.bias": torch.tensor([1.0, -1.0])}


def assert_only_the_tensors_are_left(directory: Path) -> None:
    assert [file.name for file in directory.iterdir()] == ["model.safetensors"]
    found = load_file(directory / "model.safetensors")
    assert found.keys() == TENSORS.keys()
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


def test_a_pickle_of_tensors_is_converted(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "pytorch_model.bin")
    to_one_safetensors(tmp_path)
    assert_only_the_tensors_are_left(tmp_path)


def test_shards_are_joined(tmp_path: Path) -> None:
    weight_map = {name: f"model-{number}.safetensors" for number, name in enumerate(TENSORS)}
    for name, shard in weight_map.items():
        save_file({name: TENSORS[name]}, tmp_path / shard)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    to_one_safetensors(tmp_path)
    assert_only_the_tensors_are_left(tmp_path)


def test_one_safetensors_file_is_left_as_it_is(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "model.safetensors")
    before = (tmp_path / "model.safetensors").stat()
    to_one_safetensors(tmp_path)
    assert (tmp_path / "model.safetensors").stat() == before


def test_weights_that_share_memory_are_saved_apart(tmp_path: Path) -> None:
    torch.save({"first": TENSORS["layer.bias"], "tied": TENSORS["layer.bias"]}, tmp_path / "pytorch_model.bin")
    to_one_safetensors(tmp_path)
    assert torch.equal(load_file(tmp_path / "model.safetensors")["tied"], TENSORS["layer.bias"])


class Intruder:
    """An object whose unpickling would create a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("write", [torch.save, lambda value, file: file.write_bytes(pickle.dumps(value, protocol=2))])
def test_code_in_a_pickle_is_refused_and_never_run(write, tmp_path: Path) -> None:
    mark = tmp_path / "intruded"
    write({"layer.weight": Intruder(mark)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="holds more than tensors"):
        to_one_safetensors(tmp_path)
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"no pickle at all", b"PK\x03\x04 a torn archive"])
def test_a_damaged_pickle_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(CheckpointError, match="pytorch_model.bin is damaged"):
        to_one_safetensors(tmp_path)


def test_a_pickle_of_something_else_than_named_tensors_is_refused(tmp_path: Path) -> None:
    torch.save({"epoch": 3, "model": TENSORS}, tmp_path / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="not a plain dictionary of tensors"):
        to_one_safetensors(tmp_path)


@pytest.mark.parametrize("shard", ["../../etc/passwd.safetensors", "model-1.bin"])
def test_an_index_of_anything_but_safetensors_beside_it_is_refused(shard: str, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
    with pytest.raises(CheckpointError, match="lists no safetensors shards"):
        to_one_safetensors(tmp_path)
