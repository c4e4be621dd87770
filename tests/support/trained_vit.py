"""A ViT small enough to be trained within a test, on pictures that the test draws: five classes, five colours."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForImageClassification

from archiving.inputs import checkpoint_files
from model_sources.record import SourceRecord
from trust_nsfw.engines.classifier import Classifier
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import LABELS

SIDE_PX = 32
COLOURS = ((220, 60, 60), (60, 200, 60), (70, 70, 230), (220, 200, 50), (190, 60, 200))
"""Of the square that makes a picture's class, in the order of LABELS."""

SQUARE_PX = 16
STEPS, BATCH = 60, 50


def picture(index: int, seed: int) -> np.ndarray:
    """Return uint8 [32, 32, 3] of class LABELS[index % 5]: grey noise, and somewhere a square of its colour."""
    random = np.random.default_rng((seed, index))
    pixels = random.normal(random.uniform(90, 160), 20, (SIDE_PX, SIDE_PX, 3))
    row, column = random.integers(0, SIDE_PX - SQUARE_PX + 1, 2)
    square = random.normal(COLOURS[index % len(LABELS)], 20, (SQUARE_PX, SQUARE_PX, 3))
    pixels[row : row + SQUARE_PX, column : column + SQUARE_PX] = square
    return pixels.clip(0, 255).astype(np.uint8)


def write_pictures(folder: Path, count: int, seed: int) -> Path:
    """Write `count` PNG files, the classes in turn; returns the folder."""
    folder.mkdir()
    for index in range(count):
        Image.fromarray(picture(index, seed)).save(folder / f"{index:04}.png")
    return folder


def train(untrained: Path, trained: Path) -> Path:
    """Train a checkpoint on these pictures, with LABELS in their own order; returns the new directory."""
    trained.mkdir()
    for file in checkpoint_files(untrained):
        (trained / file.name).write_bytes(file.read_bytes())
    classifier = Classifier.load(untrained, PreprocessingSpec.load(untrained), torch.device("cpu"), torch.float32)
    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = AutoModelForImageClassification.from_pretrained(untrained)
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
        for step in range(STEPS):
            batch = np.stack([picture(step * BATCH + index, seed=1) for index in range(BATCH)])
            classes = torch.arange(BATCH).add(step * BATCH) % len(LABELS)
            pixels = classifier.normalised(torch.from_numpy(batch).permute(0, 3, 1, 2))
            loss = torch.nn.functional.cross_entropy(model(pixel_values=pixels).logits, classes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.save_pretrained(trained)
    SourceRecord("trained-in-a-test", revision=None, weights="trained").write(trained)
    return trained
