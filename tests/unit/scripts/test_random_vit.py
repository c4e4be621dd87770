"""The random ViT-B/16: the same weights every time, and answers that depend on the picture."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageClassification, ViTConfig, ViTForImageClassification

from model_sources import random_vit, verification
from model_sources.record import SourceRecord
from trust_nsfw.checkpoint import read_labels
from trust_nsfw.schema import LABELS

SMALL = ViTConfig(
    hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, image_size=64, patch_size=16
)
VIT_B16_PARAMETERS = 85_802_501


def digests(directory: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in directory.iterdir()}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    directory = tmp_path / "small"
    directory.mkdir()
    random_vit.write(directory, SMALL)
    return directory


def test_two_runs_write_the_same_bytes(checkpoint: Path, tmp_path: Path) -> None:
    torch.rand(1)  # whatever else drew random numbers in between
    again = tmp_path / "again"
    again.mkdir()
    random_vit.write(again, SMALL)
    assert digests(again) == digests(checkpoint)


def test_another_seed_gives_other_weights(checkpoint: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    random_vit.write(other, SMALL, seed=random_vit.SEED + 1)
    assert digests(other)["model.safetensors"] != digests(checkpoint)["model.safetensors"]


def test_random_numbers_drawn_elsewhere_are_not_disturbed(tmp_path: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    random_vit.write(tmp_path, SMALL)
    assert torch.equal(torch.rand(3), expected)


def test_it_is_a_checkpoint_the_service_can_serve_and_says_that_its_weights_are_random(checkpoint: Path) -> None:
    verification.verify(checkpoint)
    assert read_labels(checkpoint) == LABELS
    assert SourceRecord.read(checkpoint).weights == "random"


def test_different_pictures_get_visibly_different_probabilities(checkpoint: Path) -> None:
    model = AutoModelForImageClassification.from_pretrained(checkpoint).eval()
    generator = np.random.default_rng(0)
    blocks = generator.uniform(-1, 1, (8, 3, 4, 4)).repeat(16, axis=2).repeat(16, axis=3)
    with torch.inference_mode():
        probabilities = model(pixel_values=torch.tensor(blocks, dtype=torch.float32)).logits.softmax(dim=1)
    apart = torch.cdist(probabilities, probabilities, p=torch.inf) + torch.eye(8)
    assert apart.min() > 0.01
    assert (probabilities.max(dim=0).values - probabilities.min(dim=0).values).max() > 0.1


def test_the_default_geometry_is_vit_b16() -> None:
    with torch.device("meta"):
        model = ViTForImageClassification(ViTConfig(**{**random_vit.BASE.to_dict(), "num_labels": 5}))
    assert sum(weight.numel() for weight in model.parameters()) == VIT_B16_PARAMETERS
    assert (random_vit.BASE.image_size, random_vit.BASE.patch_size) == (224, 16)
