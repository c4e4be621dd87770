"""A small trained model and a folder of labelled pictures that it knows."""

from pathlib import Path

import pytest
from PIL import Image

import trained_vit
from trust_nsfw.schema import LABELS


@pytest.fixture(scope="session")
def trained_checkpoint(tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained_vit.train(tiny_checkpoint, tmp_path_factory.mktemp("models") / "trained")


@pytest.fixture(scope="session")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures in five class folders, and a file that is none."""
    folder = tmp_path_factory.mktemp("pictures") / "labelled"
    for index in range(60):
        file = folder / LABELS[index % len(LABELS)] / f"{index:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(trained_vit.picture(index, seed=7)).resize((96, 96), Image.Resampling.NEAREST).save(file)
    (folder / "porn/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more than a beginning")
    return folder
