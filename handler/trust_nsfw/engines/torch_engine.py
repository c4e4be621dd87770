"""Any transformers image classifier on PyTorch: CPU or CUDA, fp32, bf16 or fp16."""

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from trust_nsfw.engines import Pending
from trust_nsfw.engines.classifier import Classifier
from trust_nsfw.engines.compilation import Compile, reduce_overhead
from trust_nsfw.engines.lane import Lane
from trust_nsfw.engines.scorer import Scorer
from trust_nsfw.preprocess import PreprocessingSpec

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

WARM_UP_SECONDS = 150.0
"""Half of model-config.yaml's startupTimeout: the other half is for loading and for a second precision."""


class TorchEngine:
    """The Engine over PyTorch with scaled-dot-product attention.

    On a CPU a batch runs as it comes, in the caller's thread. On CUDA it takes a Lane: fixed batch sizes, compiled,
    each with a CUDA graph, and copies that overlap with compute. A lane works on any device, which is how it is tested.
    """

    name = "torch"

    overlaps: bool
    """Whether the caller's cores are free while a batch computes, so that decoding the next one gains time."""

    def __init__(
        self,
        checkpoint: Path,
        spec: PreprocessingSpec,
        device: torch.device,
        *,
        precision: str,
        max_batch: int,
        pad_to_buckets: bool | None = None,
        compile: Compile | Literal["auto"] | None = "auto",
        warm_up_seconds: float = WARM_UP_SECONDS,
    ) -> None:
        """Load the checkpoint onto the device and warm it up; raises CheckpointError for other labels than the five.

        `pad_to_buckets` True takes a lane, False none; None takes one on CUDA and wherever there is a compiler.
        `compile` "auto" is reduce_overhead on CUDA and nothing elsewhere; None stays eager, which starts sooner. Once
        compiling has taken `warm_up_seconds`, the batch sizes that are left run eagerly.
        """
        self.precision = precision
        self.max_batch = max_batch
        self._device = device
        cuda = device.type == "cuda"
        if compile == "auto":
            compile = reduce_overhead if cuda else None
        if cuda and precision == "fp32":
            torch.backends.cudnn.allow_tf32 = False  # 10 bits of mantissa would drift from the golden pairs
        self._scorer = Scorer(Classifier.load(checkpoint, spec, device, DTYPES[precision]))
        self._lane: Lane | None = None
        if pad_to_buckets is None:
            pad_to_buckets = cuda or compile is not None
        self.overlaps = pad_to_buckets
        if pad_to_buckets:
            shape = (max_batch, spec.height, spec.width, 3)
            self._lane = Lane(self._scorer, shape, device, compile, warm_up_seconds)
        else:
            for size in sorted({1, max_batch}):
                self.probabilities(np.zeros((size, spec.height, spec.width, 3), dtype=np.uint8))

    @property
    def compiled_buckets(self) -> tuple[int, ...]:
        """The batch sizes that run compiled, ascending."""
        return self._lane.compiled_buckets if self._lane else ()

    def probabilities(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map uint8 [B, H, W, 3] to float32 [B, 5] in the order of LABELS; softmax is computed in fp32.

        The row of an image whose logits are not all finite is NaN, which no policy takes for scores.
        """
        return self.start(batch).rows()

    def start(self, batch: NDArray[np.uint8]) -> Pending:
        """Begin what `probabilities` does and return at once where the engine overlaps, else when it is done.

        `batch` must not change until its rows are there.
        """
        return self._lane.start(batch) if self._lane else self._at_once(batch)

    @torch.inference_mode()
    def _at_once(self, batch: NDArray[np.uint8]) -> Pending:
        rows: NDArray[np.float32] = self._scorer(torch.from_numpy(batch).to(self._device)).cpu().numpy()
        return Pending(lambda: rows)
