"""The starter model against nsfwjs itself, as recorded by scripts/record_nsfwjs_golden.mjs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoImageProcessor, AutoModelForImageClassification, PreTrainedModel

import nsfwjs_pictures
from model_sources import starter
from model_sources.errors import FetchError
from trust_nsfw.engines import nsfwjs_mobilenet

GOLDEN = json.loads((Path(__file__).parents[2] / "data" / "nsfwjs_golden.json").read_text(encoding="utf-8"))
PARITY = 1e-4
"""A hundredth of the difference the starter may have; measured: 1e-6 at 224x224, 3e-6 resized by nsfwjs's rule."""


@pytest.fixture(scope="module")
def model(starter_checkpoint: Path) -> PreTrainedModel:
    nsfwjs_mobilenet.register()
    return AutoModelForImageClassification.from_pretrained(starter_checkpoint, dtype=torch.float32).eval()


def test_pictures_of_224x224_get_the_probabilities_of_nsfwjs(model: PreTrainedModel) -> None:
    pictures = nsfwjs_pictures.pictures_at_model_size()
    expected = recorded(pictures)
    assert len(pictures) >= 18
    assert np.abs(probabilities(model, as_input(np.stack(list(pictures.values())))) - expected).max() <= PARITY


def test_larger_pictures_differ_from_nsfwjs_by_its_resize_alone(model: PreTrainedModel) -> None:
    photos = nsfwjs_pictures.photos_at_their_own_size()
    expected = recorded(photos)
    resized = [
        torch.nn.functional.interpolate(as_input(photo[None]), (224, 224), mode="bilinear", align_corners=True)
        for photo in photos.values()
    ]
    assert np.abs(probabilities(model, torch.cat(resized)) - expected).max() <= PARITY


def test_antialiasing_keeps_the_label_of_all_but_one_larger_photo(model: PreTrainedModel) -> None:
    photos = nsfwjs_pictures.photos_at_their_own_size()
    expected = recorded(photos)
    resized = [
        np.asarray(Image.fromarray(photo).resize((224, 224), Image.Resampling.BILINEAR)) for photo in photos.values()
    ]
    ours = probabilities(model, as_input(np.stack(resized)))
    difference = np.abs(ours - expected).max(axis=1)
    assert (ours.argmax(axis=1) == expected.argmax(axis=1)).sum() == len(photos) - 1
    assert np.median(difference) == pytest.approx(0.028, abs=0.002)
    assert difference.max() == pytest.approx(0.385, abs=0.002)


def test_the_checkpoint_says_what_it_is(starter_checkpoint: Path) -> None:
    config = json.loads((starter_checkpoint / "config.json").read_text(encoding="utf-8"))
    source = json.loads((starter_checkpoint / "source.json").read_text(encoding="utf-8"))
    assert list(config["id2label"].values()) == GOLDEN["labels"]
    assert source == {
        "checkpoint": "nsfwjs/mobilenet_v2@4.3.0",
        "revision": starter.INTEGRITY,
        "weights": "trained",
        "license": "MIT",
    }
    assert (starter_checkpoint / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")


def test_plain_transformers_reads_the_preprocessing_as_zero_to_one(starter_checkpoint: Path) -> None:
    picture = nsfwjs_pictures.pictures_at_model_size()["chelsea"]
    processor = AutoImageProcessor.from_pretrained(starter_checkpoint)
    pixel_values = processor(Image.fromarray(picture), return_tensors="pt")["pixel_values"]
    torch.testing.assert_close(pixel_values, as_input(picture[None]))


def test_registering_the_starter_twice_changes_nothing(starter_checkpoint: Path) -> None:
    nsfwjs_mobilenet.register()
    nsfwjs_mobilenet.register()
    classifier = AutoModelForImageClassification.from_pretrained(starter_checkpoint)
    assert type(classifier) is nsfwjs_mobilenet.NsfwjsMobileNetForImageClassification


def test_labels_give_a_loss_to_train_with(model: PreTrainedModel) -> None:
    output = model(pixel_values=torch.zeros(2, 3, 224, 224), labels=torch.tensor([0, 3]))
    expected = torch.nn.functional.cross_entropy(output.logits, torch.tensor([0, 3]))
    torch.testing.assert_close(output.loss, expected)


def test_a_package_that_is_not_the_pinned_one_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho 'not a tarball' > nsfwjs-4.3.0.tgz\n", encoding="utf-8")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent))
    staging = tmp_path / "staging"
    staging.mkdir()
    with pytest.raises(
        FetchError, match=r"nsfwjs@4\.3\.0 is refused: its integrity is sha512-.* pinned is sha512-WTKD"
    ):
        starter.fetch(staging)
    assert list(staging.iterdir()) == []


def recorded(pictures: dict[str, NDArray[np.uint8]]) -> NDArray[np.float64]:
    """Return nsfwjs's probabilities, [N, 5], after checking that it saw the very bytes of these pictures."""
    entries: dict[tuple[str, int, int], dict[str, Any]] = {
        (entry["name"], entry["height"], entry["width"]): entry for entry in GOLDEN["pictures"]
    }
    matching = [entries[name, *picture.shape[:2]] for name, picture in pictures.items()]
    assert [entry["sha256"] for entry in matching] == [nsfwjs_pictures.sha256(picture) for picture in pictures.values()]
    return np.array([entry["probabilities"] for entry in matching])


def as_input(pictures: NDArray[np.uint8]) -> torch.Tensor:
    """Turn uint8 [N, H, W, 3] into float32 [N, 3, H, W] from 0 to 1."""
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255)


def probabilities(model: PreTrainedModel, pixel_values: torch.Tensor) -> NDArray[np.float32]:
    with torch.inference_mode():
        return torch.softmax(model(pixel_values=pixel_values).logits, dim=-1).numpy()
