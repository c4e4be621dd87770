"""Any transformers image classifier on PyTorch: CPU or CUDA, fp32, bf16 or fp16."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from trust_nsfw.engines.classifier import Classifier
from trust_nsfw.errors import SettingsError
from trust_nsfw.preprocess import PreprocessingSpec

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
NATIVE_BF16 = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
"""CPU capabilities that make bf16 faster than fp32 instead of slower."""


class TorchEngine:
    """The Engine over PyTorch eager mode with scaled-dot-product attention."""

    name = "torch"

    def __init__(
        self,
        checkpoint: Path,
        spec: PreprocessingSpec,
        device: torch.device,
        *,
        precision: str,
        max_batch: int,
        pad_to_buckets: bool | None = None,
    ) -> None:
        """Load the checkpoint onto the device and warm it up; raises CheckpointError for other labels than the five.

        `pad_to_buckets` None pads on CUDA only: there fixed shapes are worth the work, on a CPU padding is waste.
        """
        self.precision = precision
        self.max_batch = max_batch
        self.overlaps = device.type == "cuda"
        self._device = device
        self._dtype = DTYPES[precision]
        self._pad = device.type == "cuda" if pad_to_buckets is None else pad_to_buckets
        self._classifier = Classifier.load(checkpoint, spec, device, self._dtype)
        if device.type == "cuda" and precision == "fp32":
            torch.backends.cudnn.allow_tf32 = False  # 10 bits of mantissa would drift from the golden pairs
        sizes = {bucket(size + 1, max_batch) for size in range(max_batch)} if self._pad else {1, max_batch}
        for size in sorted(sizes):
            self.probabilities(np.zeros((size, spec.height, spec.width, 3), dtype=np.uint8))

    @torch.inference_mode()
    def probabilities(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map uint8 [B, H, W, 3] to float32 [B, 5] in the order of LABELS; softmax is computed in fp32."""
        pixels = torch.from_numpy(batch).to(self._device).permute(0, 3, 1, 2)
        if self._pad:
            pixels = _padded(pixels, bucket(len(batch), self.max_batch))
        inputs = self._classifier.normalised(pixels).to(self._dtype)
        logits = self._classifier.model(pixel_values=inputs).logits[: len(batch)]
        rows: NDArray[np.float32] = logits.float().softmax(dim=-1)[:, self._classifier.columns].cpu().numpy()
        return rows


def resolve_device(gpu_id: int | None) -> torch.device:
    """Return the device TorchServe assigned, or the CPU when it assigned none or there is no CUDA."""
    return torch.device("cuda", gpu_id) if gpu_id is not None and torch.cuda.is_available() else torch.device("cpu")


def precision_candidates(wanted: str, device: torch.device) -> tuple[str, ...]:
    """Return the precisions to try, fastest first: `wanted` alone, or for auto what the device has in hardware.

    fp32 closes every automatic list: some architectures lose too much in 16 bits to reproduce their golden pairs.
    Raises SettingsError for fp16 on a CPU.
    """
    if wanted == "fp16" and device.type == "cpu":
        raise SettingsError("engine.precision: fp16 needs a GPU; a CPU takes fp32 or bf16")
    if wanted != "auto":
        return (wanted,)
    if device.type == "cuda":
        return ("bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16", "fp32")
    capabilities = torch.cpu.get_capabilities()
    return ("bf16", "fp32") if any(capabilities.get(name) for name in NATIVE_BF16) else ("fp32",)


def bucket(size: int, largest: int) -> int:
    """Return the smallest power of two that holds `size`, at most `largest`."""
    return min(1 << (size - 1).bit_length(), largest)


def _padded(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """Repeat the last image up to `size`; the extra rows are dropped after the forward pass."""
    missing = size - len(pixels)
    return torch.cat([pixels, pixels[-1:].expand(missing, -1, -1, -1)]) if missing > 0 else pixels
