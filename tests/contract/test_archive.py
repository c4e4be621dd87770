"""The archive holds handler/ and the checkpoint, byte for byte, and exactly one handler class."""

import importlib
import inspect
import json
import zipfile
from pathlib import Path

import pytest

from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG, checkpoint_files, handler_files


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> zipfile.ZipFile:
    out = tmp_path_factory.mktemp("store") / "nsfw.mar"
    build(tiny_checkpoint, HANDLER / MODEL_CONFIG, out)
    return zipfile.ZipFile(out)


def test_the_archive_is_handler_plus_checkpoint_plus_two_manifests(archive, tiny_checkpoint):
    expected = {file.relative_to(HANDLER).as_posix(): file for file in handler_files(HANDLER)}
    expected |= {f"checkpoint/{file.name}": file for file in checkpoint_files(tiny_checkpoint)}
    assert set(archive.namelist()) == set(expected) | {
        "manifest.json",
        "graph.xml",
        "graph.bin",
        "MAR-INF/MANIFEST.json",
    }
    for name, file in expected.items():
        assert archive.read(name) == file.read_bytes(), name


def test_torchserve_is_told_the_entry_file_and_the_settings(archive):
    model = json.loads(archive.read("MAR-INF/MANIFEST.json"))["model"]
    assert model["handler"] == "torchserve_handler.py"
    assert model["configFile"] == "model-config.yaml"
    assert (model["modelName"], model["modelVersion"]) == ("nsfw", "1.0")


def test_the_entry_file_defines_exactly_one_class_with_initialize_and_handle():
    module = importlib.import_module("torchserve_handler")
    classes = [item for _, item in inspect.getmembers(module, inspect.isclass) if item.__module__ == module.__name__]
    assert len(classes) == 1
    assert callable(classes[0].initialize)
    assert callable(classes[0].handle)
