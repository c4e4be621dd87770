"""From pixels to probabilities as one module, which a compiler can take whole."""

import torch
from torch import nn

from trust_nsfw.engines.classifier import Classifier


class Scorer(nn.Module):
    """Normalisation, model, temperature, softmax and the order of LABELS: uint8 [B, H, W, 3] -> float32 [B, 5].

    Everything runs on the classifier's device; the model in its own precision, what surrounds it in fp32.
    """

    _scale: torch.Tensor
    _shift: torch.Tensor
    _columns: torch.Tensor

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self._model = classifier.model
        self._dtype = classifier.model.dtype
        self._temperature = classifier.temperature
        for name in ("scale", "shift", "columns"):  # buffers keep their addresses, as CUDA graphs want them to
            self.register_buffer(f"_{name}", getattr(classifier, name))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Score a batch; the row of an image with any logit that is not finite is NaN throughout.

        An overflow in 16 bits may be -inf in one class alone, and a softmax would make of it a harmless-looking zero.
        """
        pixels = batch.permute(0, 3, 1, 2)  # no copy: NHWC in memory is what torch calls channels-last
        inputs = (pixels.float() * self._scale + self._shift).to(self._dtype)
        logits = self._model(pixel_values=inputs).logits.float()
        finite = logits.isfinite().all(dim=-1, keepdim=True)
        if self._temperature != 1:  # without one the graph stays what it was
            logits = logits / self._temperature
        probabilities: torch.Tensor = torch.where(finite, logits.softmax(dim=-1), torch.nan)[:, self._columns]
        return probabilities
