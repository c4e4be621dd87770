"""A training picture is the very input that serving makes of the file."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from dataset.example import Example, PreparedDataset, index_csv
from labelled_pictures import labelled_picture
from training.pictures import Collator, Pictures
from trust_nsfw.engines.classifier import Classifier
from trust_nsfw.images import decode
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import LABELS
from trust_nsfw.settings import Limits


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> PreparedDataset:
    """One picture of each class: a JPEG on its side as its EXIF says, a transparent PNG, an animation, a large JPEG."""
    folder = tmp_path_factory.mktemp("data")
    pictures = {label: labelled_picture(label, 4, 90) for label in LABELS}
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures["drawing"].save(folder / "drawing.jpg", exif=exif)
    pictures["hentai"].putalpha(Image.linear_gradient("L").resize((90, 90)))
    pictures["hentai"].save(folder / "hentai.png")
    pictures["neutral"].save(folder / "neutral.gif", save_all=True, append_images=[pictures["porn"]])
    pictures["porn"].save(folder / "porn.webp")
    pictures["sexy"].resize((1200, 800)).save(folder / "sexy.jpg")
    examples = [
        Example(file.name, file.stem, "train", number, _sha256(file), "PNG", 90, 90, "0" * 16, False)
        for number, file in enumerate(sorted(folder.iterdir()))
    ]
    (folder / "index.csv").write_text(index_csv(examples))
    return PreparedDataset.read(folder)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def spec(tiny_checkpoint) -> PreprocessingSpec:
    return PreprocessingSpec.load(tiny_checkpoint)


def test_without_augmentation_pixels_are_those_that_serving_makes(data, spec):
    pictures = Pictures(data, data.examples, spec, augment=False)
    assert len(pictures) == 5
    for number, example in enumerate(data.examples):
        view = next(decode(data.path_of(example).read_bytes(), Limits(), spec.decoded_at_least).views)
        item = pictures[number]
        assert np.array_equal(item["pixels"], to_model_input(view.rgb, spec, view.box))
        assert item["labels"] == LABELS.index(example.label)


def test_the_collator_normalises_as_the_engines_do(data, spec, tiny_checkpoint):
    items = [Pictures(data, data.examples, spec, augment=False)[number] for number in range(5)]
    batch = Collator(spec)(items)
    classifier = Classifier.load(tiny_checkpoint, spec, torch.device("cpu"), torch.float32)
    pixels = torch.from_numpy(np.stack([item["pixels"] for item in items])).permute(0, 3, 1, 2)
    assert torch.equal(batch["pixel_values"], classifier.normalised(pixels))
    assert batch["pixel_values"].dtype == torch.float32
    assert batch["labels"].tolist() == [LABELS.index(example.label) for example in data.examples]


def test_augmentation_follows_torchs_seed(data, spec):
    pictures = Pictures(data, data.examples, spec, augment=True)

    def all_of(seed: int) -> list[np.ndarray]:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return [pictures[number]["pixels"] for number in range(5)]

    assert all(np.array_equal(one, other) for one, other in zip(all_of(1), all_of(1), strict=True))
    assert not any(np.array_equal(one, other) for one, other in zip(all_of(1), all_of(2), strict=True))
    assert all(one.shape == (spec.height, spec.width, 3) and one.dtype == np.uint8 for one in all_of(1))
