"""A split of a prepared data set as torch takes it: decoded, augmented, and made into model inputs as serving does."""

import random as stdlib_random
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from dataset.example import DatasetError, Example, PreparedDataset
from training.augmentation import augmented
from trust_nsfw.errors import ServiceError
from trust_nsfw.images import BACKGROUNDS, decode
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import LABELS
from trust_nsfw.settings import Limits


class Pictures(Dataset[dict[str, Any]]):
    """Items are {"pixels": uint8 [H, W, 3], "labels": the label's place in LABELS}.

    Of an animation the first frame counts, of a transparent image the view on white; when augmenting, either
    background. Randomness comes from torch's own generator, which a resumed training restores.
    """

    def __init__(
        self, data: PreparedDataset, examples: Sequence[Example], spec: PreprocessingSpec, *, augment: bool
    ) -> None:
        """Read files when they are asked for."""
        self._data, self._examples, self._spec, self._augment = data, examples, spec, augment
        self._limits = Limits()

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Decode one. Raises DatasetError, naming it, for a file that has changed since it was prepared."""
        example = self._examples[index]
        file = self._data.path_of(example)
        try:
            pixels = self._pixels(file.read_bytes())
        except (OSError, ServiceError) as error:
            raise DatasetError(f"{file} can't be read any more: {error}; prepare the data again") from None
        return {"pixels": pixels, "labels": LABELS.index(example.label)}

    def _pixels(self, payload: bytes) -> NDArray[np.uint8]:
        decoded = decode(payload, self._limits, self._spec.decoded_at_least)
        if not self._augment:
            view = next(decoded.views)
            return to_model_input(view.rgb, self._spec, view.box)
        random = stdlib_random.Random(int(torch.randint(2**62, ()).item()))
        views = [view for view in islice(decoded.views, len(BACKGROUNDS)) if view.frame == 0]
        view = random.choice(views)
        rgb = view.rgb if view.box is None else view.rgb.crop(view.box)
        return to_model_input(augmented(rgb, random), self._spec)


class Collator:
    """Items -> {"pixel_values": float32 [B, 3, H, W] as the model takes it, "labels": int64 [B]}."""

    def __init__(self, spec: PreprocessingSpec) -> None:
        """Normalise as the spec says."""
        std = torch.tensor(spec.std).view(1, 3, 1, 1)
        self._scale = spec.rescale_factor / std
        self._shift = -torch.tensor(spec.mean).view(1, 3, 1, 1) / std

    def __call__(self, items: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Stack and normalise: (pixel * rescale_factor - mean) / std, the very formula of the engines."""
        pixels = torch.from_numpy(np.stack([item["pixels"] for item in items])).permute(0, 3, 1, 2).float()
        labels = torch.tensor([item["labels"] for item in items])
        return {"pixel_values": pixels * self._scale + self._shift, "labels": labels}
