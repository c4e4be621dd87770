"""Which parts of an image speak for a score: a 14x14 map from gradients, for any transformers image classifier.

Both methods explain the target's log-odds: of a class or of a group, log(p / (1 - p)). Its gradient weighs what speaks
for the target against what speaks for the others, and stays alive where p is near 0 or 1 and the gradient of p is not.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from transformers import DeiTForImageClassification, ViTForImageClassification

from trust_nsfw.engines.classifier import Classifier
from trust_nsfw.errors import InternalError
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import GROUPS, LABELS

GRID_CELLS = 14
"""Cells a side: the patches of a ViT-B/16, and the resolution of every explanation."""

CLS_CLASSIFIERS = (ViTForImageClassification, DeiTForImageClassification)
"""Plain transformers that classify from their first token, which the others reach by attention alone."""

PATH_STEPS = 12
"""Points on the way from the mean colour to the image; each costs a forward and a backward pass."""

NOISE_LEVELS = 13.0
"""Standard deviation of the noise along the path, in levels of 255."""

NOISE_SEED = 0


class Explainer:
    """A checkpoint in fp32 with gradients; apart from the engine, which may be of another library or precision."""

    def __init__(self, checkpoint: Path, spec: PreprocessingSpec, device: torch.device) -> None:
        """Load the checkpoint onto the device; raises CheckpointError for other labels than the five."""
        self._device = device
        self._shape = (spec.height, spec.width, 3)
        self._classifier = Classifier.load(checkpoint, spec, device, torch.float32)
        self._model: Any = self._classifier.model.requires_grad_(False)  # of which class, only the next lines know
        self._relevance: Callable[[torch.Tensor, str], torch.Tensor] = self._integrated_gradients
        if isinstance(self._model, CLS_CLASSIFIERS):
            self._relevance = self._attention_rollout
            self._model.set_attn_implementation("eager")  # the fused kernels return no attention

    def grid(self, model_input: NDArray[np.uint8], target: str) -> NDArray[np.float32]:
        """Map uint8 [H, W, 3], as preprocess.to_model_input makes it, to float32 [14, 14] in 0 to 1.

        `target` is a class or a group. The largest value is 1, or all are 0 when nothing speaks for the target.
        On a CPU the same input gives the same grid. Raises InternalError for another target or shape, and where the
        model's gradients are not finite.
        """
        if target not in (*LABELS, *GROUPS):
            raise InternalError(f"no class or group is named {target!r}")
        if model_input.shape != self._shape:
            raise InternalError(f"the model takes {self._shape}, not {model_input.shape}")
        pixels = torch.tensor(model_input, device=self._device).permute(2, 0, 1)[None].float()
        relevance = self._relevance(pixels, target)
        if not relevance.isfinite().all():
            raise InternalError("the model's gradients are not finite")
        positive = relevance.clamp(min=0)[None, None]
        cells = functional.interpolate(positive, size=(GRID_CELLS, GRID_CELLS), mode="bilinear", antialias=True)
        largest = cells.max()
        heat: NDArray[np.float32] = (cells / largest if largest > 0 else cells)[0, 0].cpu().numpy()
        return heat

    def _attention_rollout(self, pixels: torch.Tensor, target: str) -> torch.Tensor:
        """Return the CLS token's relevance of each patch, float [rows, columns] of patches.

        Chefer, Gur, Wolf: Generic Attention-model Explainability, ICCV 2021, equations 5 and 6: from R = I, layer by
        layer, R = R + mean over heads of max(0, A * dS/dA) @ R, with A the attention and S the target's log-odds.
        """
        outputs = self._model(pixel_values=self._classifier.normalised(pixels).requires_grad_(), output_attentions=True)
        gradients = torch.autograd.grad(self._log_odds(outputs.logits, target).sum(), outputs.attentions)
        relevance = torch.eye(gradients[0].shape[-1], device=self._device)
        for attention, gradient in zip(outputs.attentions, gradients, strict=True):
            relevance = relevance + (attention.detach() * gradient).clamp(min=0).mean(dim=1)[0] @ relevance
        patch_height, patch_width = self._model.base_model.embeddings.patch_embeddings.patch_size
        rows, columns = pixels.shape[2] // patch_height, pixels.shape[3] // patch_width
        return relevance[0, -rows * columns :].view(rows, columns)

    def _integrated_gradients(self, pixels: torch.Tensor, target: str) -> torch.Tensor:
        """Return what each cell adds to the target's log-odds over the image's mean colour, float [14, 14].

        Sundararajan, Taly, Yan: Axiomatic Attribution for Deep Networks, ICML 2017, equation 3, in PATH_STEPS steps;
        each with noise, as in Smilkov et al.: SmoothGrad, 2017. It needs to know nothing of the network.
        """
        generator = torch.Generator().manual_seed(NOISE_SEED)
        baseline = pixels.mean(dim=(2, 3), keepdim=True).round()  # whole levels: an even image differs by exactly 0
        total = torch.zeros_like(pixels)
        for step in range(PATH_STEPS):
            noise = torch.randn(pixels.shape, generator=generator).to(self._device)
            place = baseline + (pixels - baseline) * ((step + 0.5) / PATH_STEPS) + noise * NOISE_LEVELS
            place.requires_grad_()
            score = self._log_odds(self._model(pixel_values=self._classifier.normalised(place)).logits, target).sum()
            total += torch.autograd.grad(score, place)[0]
        shares = (total / PATH_STEPS * (pixels - baseline)).sum(dim=1, keepdim=True)
        return functional.adaptive_avg_pool2d(shares, GRID_CELLS)[0, 0]

    def _log_odds(self, logits: torch.Tensor, target: str) -> torch.Tensor:
        """Return log(p / (1 - p)), float [B], where p is the target's summed probability."""
        ordered = logits[:, self._classifier.columns] / self._classifier.temperature
        inside = torch.tensor([label in GROUPS.get(target, (target,)) for label in LABELS], device=self._device)
        return ordered[:, inside].logsumexp(dim=-1) - ordered[:, ~inside].logsumexp(dim=-1)
