"""Which checkpoints the service accepts: tiny real ones, each with one thing changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import DeiTConfig, DeiTForImageClassification, SwinConfig, SwinForImageClassification, ViTConfig

from model_sources import random_vit
from model_sources.verification import verify
from trust_nsfw.checkpoint import read_labels
from trust_nsfw.errors import CheckpointError

TINY = ViTConfig(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    directory = tmp_path / "tiny"
    directory.mkdir()
    random_vit.write(directory, TINY)
    return directory


def change_json(file: Path, **changes: Any) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def change_weights(directory: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(directory / "model.safetensors")
    change(weights)
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})


def id2label(*labels: str) -> dict[str, str]:
    return {str(index): label for index, label in enumerate(labels)}


def test_labels_may_come_in_any_order_and_case_and_drawings_means_drawing(checkpoint: Path) -> None:
    labels = id2label("Porn", "sexy", "DRAWINGS", "hentai", "neutral")
    change_json(checkpoint / "config.json", id2label=labels)
    verify(checkpoint)
    assert read_labels(checkpoint) == ("porn", "sexy", "drawing", "hentai", "neutral")


@pytest.mark.parametrize(
    ("labels", "complaint"),
    [
        (id2label("cat", "dog", "neutral", "porn", "sexy"), "the labels are cat, dog"),
        (id2label("porn", "porn", "neutral", "hentai", "sexy"), "the labels are porn, porn"),
        (id2label("sfw", "nsfw"), "the labels are sfw, nsfw"),
        (None, "not an image classifier"),
    ],
)
def test_other_labels_are_refused(labels: object, complaint: str, checkpoint: Path) -> None:
    change_json(checkpoint / "config.json", id2label=labels)
    with pytest.raises(CheckpointError, match=complaint):
        verify(checkpoint)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"do_center_crop": True}, "do_center_crop"),
        ({"size": {"shortest_edge": 32}}, "size"),
        ({"size": {"height": 64, "width": 64}}, "does not take a 64x64 picture"),
    ],
)
def test_preprocessing_that_cannot_be_honoured_is_refused(
    changes: dict[str, Any], complaint: str, checkpoint: Path
) -> None:
    change_json(checkpoint / "preprocessor_config.json", **changes)
    with pytest.raises(CheckpointError, match=complaint):
        verify(checkpoint)


def test_a_missing_head_is_refused_because_it_would_be_a_random_one(checkpoint: Path) -> None:
    change_weights(checkpoint, lambda weights: (weights.pop("classifier.weight"), weights.pop("classifier.bias")))
    with pytest.raises(CheckpointError, match=r"missing keys: classifier\.bias, classifier\.weight"):
        verify(checkpoint)


def test_weights_that_no_part_of_the_model_takes_are_refused(checkpoint: Path) -> None:
    change_weights(checkpoint, lambda weights: weights.update({"adapter.weight": torch.ones(2)}))
    with pytest.raises(CheckpointError, match=r"unexpected keys: adapter\.weight"):
        verify(checkpoint)


def test_a_head_of_another_size_is_refused(checkpoint: Path) -> None:
    change_weights(checkpoint, lambda weights: weights.update({"classifier.weight": torch.ones(7, 32)}))
    with pytest.raises(CheckpointError, match=r"transformers cannot load|classifier\.weight"):
        verify(checkpoint)


def test_weights_that_are_not_finite_are_refused(checkpoint: Path) -> None:
    change_weights(checkpoint, lambda weights: weights["classifier.bias"].fill_(float("nan")))
    with pytest.raises(CheckpointError, match=r"not finite: classifier\.bias"):
        verify(checkpoint)


def test_a_torn_weights_file_is_refused(checkpoint: Path) -> None:
    content = (checkpoint / "model.safetensors").read_bytes()
    (checkpoint / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match="transformers cannot load the checkpoint"):
        verify(checkpoint)


def test_a_checkpoint_that_needs_its_own_code_is_refused_and_the_code_not_run(checkpoint: Path, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    (checkpoint / "modeling_own.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Own: pass\n")
    names = {"AutoConfig": "modeling_own.Own", "AutoModelForImageClassification": "modeling_own.Own"}
    change_json(checkpoint / "config.json", model_type="own", architectures=["Own"], auto_map=names)
    with pytest.raises(CheckpointError, match="needs its own code"):
        verify(checkpoint)
    assert not mark.exists()


def test_a_checkpoint_that_carries_code_but_does_not_need_it_is_accepted_without_it(
    checkpoint: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "run"
    (checkpoint / "modeling_own.py").write_text(f"import os\nos.mkdir({str(mark)!r})\nclass Own: pass\n")
    change_json(checkpoint / "config.json", auto_map={"AutoModelForImageClassification": "modeling_own.Own"})
    verify(checkpoint)
    assert not mark.exists()


def test_an_architecture_transformers_does_not_know_is_refused(checkpoint: Path) -> None:
    change_json(checkpoint / "config.json", model_type="perceptron-of-tomorrow")
    with pytest.raises(CheckpointError, match="transformers cannot load the checkpoint"):
        verify(checkpoint)


@pytest.mark.parametrize(
    "model",
    [
        DeiTForImageClassification(
            DeiTConfig(
                hidden_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=64,
                image_size=32,
                patch_size=8,
                num_labels=5,
            )
        ),
        SwinForImageClassification(
            SwinConfig(
                image_size=32, patch_size=4, embed_dim=8, depths=[1, 1], num_heads=[1, 2], window_size=4, num_labels=5
            )
        ),
    ],
    ids=["DeiT", "Swin"],
)
def test_other_architectures_of_image_classifiers_are_accepted(model: Any, checkpoint: Path) -> None:
    labels = json.loads((checkpoint / "config.json").read_text())["id2label"]
    model.save_pretrained(checkpoint)
    change_json(checkpoint / "config.json", id2label=labels)
    verify(checkpoint)
