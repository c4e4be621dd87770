"""Where in a picture the model saw what decided it: the view that decided, explained, and laid over the picture."""

from base64 import b64encode
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from trust_nsfw import images
from trust_nsfw.errors import InvalidRequest
from trust_nsfw.overlay import overlay
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import Explanation, Verdict
from trust_nsfw.settings import Limits

if TYPE_CHECKING:
    from trust_nsfw.explain import Explainer

MAX_OVERLAY_SIDE_PX = 1_024
GRID_DECIMALS = 4


class Explanations:
    """Explains verdicts with a torch model of its own, since gradients need one; loaded for the first that is asked."""

    def __init__(self, checkpoint: Path | None, spec: PreprocessingSpec, limits: Limits, device: torch.device) -> None:
        """Take the checkpoint to load later, or None for an archive that cannot explain."""
        self._checkpoint = checkpoint
        self._spec = spec
        self._limits = limits
        self._device = device

    def explain(self, payload: bytes, verdict: Verdict) -> Explanation:
        """Explain the class or group behind the first reason, else the top class, in the view that decided.

        Raises InvalidRequest when the archive was built without explanations, and what decoding raises.
        """
        target = verdict.decision.reasons[0].score if verdict.decision.reasons else verdict.scores.label
        deciding = verdict.image.frame, verdict.image.background
        views = images.decode(payload, self._limits).views
        rgb = next(view.rgb for view in views if (view.frame, view.background) == deciding)
        grid = self._explainer.grid(to_model_input(rgb, self._spec), target)
        return Explanation(
            target=target,
            grid=tuple(tuple(round(float(value), GRID_DECIMALS) for value in row) for row in grid),
            png_b64=b64encode(overlay(rgb, grid, MAX_OVERLAY_SIDE_PX)).decode(),
        )

    @cached_property
    def _explainer(self) -> "Explainer":
        from trust_nsfw.explain import Explainer  # noqa: PLC0415 - most workers are never asked

        if self._checkpoint is None:
            raise InvalidRequest("this archive was built without explanations")
        return Explainer(self._checkpoint, self._spec, self._device)
