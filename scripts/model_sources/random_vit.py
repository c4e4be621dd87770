"""ViT-B/16 with seeded random weights: the true model's cost and shapes, for benchmarks and tests only."""

import copy
import json
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn
from transformers import ViTConfig, ViTForImageClassification

from model_sources.record import SourceRecord
from trust_nsfw.schema import LABELS

CHECKPOINT = "random-vit"
SEED = 2
BASE = ViTConfig()
"""ViT-B/16: 12 layers of 768 features in 12 heads, 16x16 pixel patches of a 224x224 pixel picture."""


def write(staging: Path, config: ViTConfig = BASE, seed: int = SEED) -> None:
    """Write a whole checkpoint with the five labels into the empty directory `staging`; the same bytes each time.

    The head's weights have a standard deviation of 1/sqrt(hidden_size) instead of transformers' 0.02. The features
    it sees have a norm of sqrt(hidden_size), so a logit spreads by about one and the probabilities, usually between
    0.05 and 0.7, differ visibly from picture to picture.
    """
    config = copy.deepcopy(config)
    config.architectures = [ViTForImageClassification.__name__]
    config.id2label = dict(enumerate(LABELS))
    config.label2id = {label: index for index, label in enumerate(LABELS)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = ViTForImageClassification(config)
        nn.init.normal_(model.get_parameter("classifier.weight"), std=config.hidden_size**-0.5)
    config.save_pretrained(staging)
    (staging / "model.safetensors").write_bytes(save(model.state_dict(), metadata={"format": "pt"}))
    preprocessing = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": config.image_size, "width": config.image_size},
        "resample": 2,  # bilinear, in Pillow's numbering
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
    }
    (staging / "preprocessor_config.json").write_text(json.dumps(preprocessing, indent=2) + "\n", encoding="utf-8")
    SourceRecord(CHECKPOINT, revision=f"seed-{seed}", weights="random").write(staging)
