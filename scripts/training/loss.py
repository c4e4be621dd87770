"""What training minimises: cross entropy or focal loss, weighted by class, with smoothed labels."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn import functional

from training.settings import TrainingError, TrainingSettings
from trust_nsfw.schema import LABELS

LossFunction = Callable[..., torch.Tensor]
"""(outputs with logits [B, 5], labels [B], num_items_in_batch) -> a scalar, as transformers' Trainer calls it."""


def balanced_weights(labels: Sequence[str]) -> torch.Tensor:
    """Return a weight per class, float32 [5] in the order of LABELS: images / (5 x images of the class).

    Raises TrainingError for a class without images.
    """
    counts = Counter(labels)
    if missing := [label for label in LABELS if not counts[label]]:
        raise TrainingError(f"the training split has no image of class {', '.join(missing)}")
    return torch.tensor([len(labels) / (len(LABELS) * counts[label]) for label in LABELS])


def loss_function(settings: TrainingSettings, weights: torch.Tensor | None) -> LossFunction:
    """Return the loss: a mean over images, each weighed by its class, so that accumulated steps can be added up."""

    def loss(outputs: Any, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None) -> torch.Tensor:
        logits = outputs["logits"].float()
        losses = _per_image(logits, labels, settings)
        if weights is not None:
            losses = losses * weights.to(losses.device)[labels]
        count = len(labels) if num_items_in_batch is None else num_items_in_batch
        return losses.sum() / count

    return loss


def _per_image(logits: torch.Tensor, labels: torch.Tensor, settings: TrainingSettings) -> torch.Tensor:
    """Return float32 [B]. Focal loss as Lin et al. (ICCV 2017): cross entropy times (1 - p of the true class)^gamma."""
    losses = functional.cross_entropy(logits, labels, label_smoothing=settings.label_smoothing, reduction="none")
    if settings.loss == "focal":
        certain = logits.softmax(dim=-1).gather(1, labels[:, None]).squeeze(1)
        losses = losses * (1 - certain) ** settings.focal_gamma
    return losses
