"""What tests of every kind share: checkpoints to serve, and pictures to send."""

import subprocess
import sys
from pathlib import Path

import pytest
from transformers import ViTConfig

from model_sources import random_vit

ROOT = Path(__file__).resolve().parent.parent
TINY_VIT = ViTConfig(
    hidden_size=48, num_hidden_layers=2, num_attention_heads=2, intermediate_size=96, image_size=32, patch_size=8
)


@pytest.fixture(scope="session")
def starter_checkpoint() -> Path:
    """The starter model, fetched once."""
    checkpoint = ROOT / "models/starter"
    subprocess.run(
        [sys.executable, ROOT / "scripts/fetch_model.py", "starter", "--out", checkpoint], check=True, timeout=300
    )
    return checkpoint


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ViT of two small layers with seeded random weights: any code path of a ViT, in milliseconds."""
    directory = tmp_path_factory.mktemp("models") / "tiny"
    directory.mkdir()
    random_vit.write(directory, TINY_VIT)
    return directory
