"""A transformers image classifier from a checkpoint directory, with what its inputs and outputs need on its device."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForImageClassification, PreTrainedModel
from transformers.utils import logging

from trust_nsfw.checkpoint import read_labels
from trust_nsfw.engines import nsfwjs_mobilenet
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import LABELS
from trust_nsfw.temperature import read_temperature


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model in evaluation mode; `columns` are the positions of LABELS among its outputs, int64 [5].

    Its logits are to be divided by `temperature` before the softmax.
    """

    model: PreTrainedModel
    columns: torch.Tensor
    scale: torch.Tensor
    shift: torch.Tensor
    temperature: float = 1.0

    @classmethod
    def load(cls, checkpoint: Path, spec: PreprocessingSpec, device: torch.device, dtype: torch.dtype) -> "Classifier":
        """Load safetensors only, run no code of the checkpoint's; raises CheckpointError for other labels than ours."""
        labels = read_labels(checkpoint)
        nsfwjs_mobilenet.register()
        logging.disable_progress_bar()
        model: Any = _load(checkpoint, dtype)
        mean = torch.tensor(spec.mean, device=device).view(1, 3, 1, 1)
        std = torch.tensor(spec.std, device=device).view(1, 3, 1, 1)
        columns = torch.tensor([labels.index(label) for label in LABELS], device=device)
        return cls(
            model.to(device).eval(), columns, spec.rescale_factor / std, -mean / std, read_temperature(checkpoint)
        )

    def normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        """Map pixels of 0 to 255, [B, 3, H, W], to float32 as the model was trained: (pixel / 255 - mean) / std."""
        return pixels.float() * self.scale + self.shift


def _load(checkpoint: Path, dtype: torch.dtype) -> PreTrainedModel:
    """Load with scaled-dot-product attention, or the architecture's own where it has none of that kind."""
    load = partial(
        AutoModelForImageClassification.from_pretrained,
        checkpoint,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=dtype,
    )
    try:
        model: PreTrainedModel = load(attn_implementation="sdpa")
    except ValueError:
        model = load()
    return model
