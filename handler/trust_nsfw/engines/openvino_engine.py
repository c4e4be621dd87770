"""A graph that scripts/build_archive.py made of a checkpoint, on OpenVINO: the fast engine of x86 CPUs."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trust_nsfw.engines.candidates import cpu_has_bf16
from trust_nsfw.engines.quiet_openvino import ov
from trust_nsfw.errors import CheckpointError
from trust_nsfw.schema import LABELS

DEVICE = "CPU"
ARITHMETIC = {"fp32": "f32", "bf16": "bf16"}
"""OpenVINO's names; what a quantized graph leaves in floating point runs in bf16 where the CPU has it."""


class OpenVinoEngine:
    """The Engine over one compiled graph; normalisation, softmax and the order of LABELS are part of it.

    One stream, all threads on one batch: `probabilities` is called from one thread, and a batch should end soon. Only
    batches of powers of two are run, a batch of seven as 4 + 2 + 1: the runtime keeps kernels and work space for every
    size it has met, hundreds of MiB for all of them, and padding would cost more than the smaller batches do.
    """

    name = "openvino"
    overlaps = False

    def __init__(
        self, graph: Path, *, precision: str, max_batch: int, threads: int = 0, pin_threads: bool = False
    ) -> None:
        """Compile an OpenVINO graph (.xml beside .bin) for this CPU and warm it up.

        `threads` 0 takes one per physical core. Raises CheckpointError for a file that is no graph of ours.
        """
        self.precision = precision
        self.max_batch = max_batch
        options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": ARITHMETIC.get(precision, "bf16" if cpu_has_bf16() else "f32"),
            "ENABLE_CPU_PINNING": pin_threads,
            "NUM_STREAMS": 1,
        }
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            core = ov.Core()
            model = core.read_model(graph)
            height, width = (model.input(0).partial_shape[axis].get_length() for axis in (1, 2))
            self._request = core.compile_model(model, DEVICE, options).create_infer_request()
            for size in {part for whole in range(1, max_batch + 1) for part in parts(whole)}:
                self.probabilities(np.zeros((size, height, width, 3), dtype=np.uint8))
        except RuntimeError as error:
            raise CheckpointError(f"{graph.name} is not a graph that OpenVINO {ov.__version__} runs: {error}") from None

    def probabilities(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map uint8 [B, H, W, 3] to float32 [B, 5] in the order of LABELS; the batch is read in place."""
        pixels = np.require(batch, requirements=["C", "W"])  # held: a shared tensor does not keep its memory alive
        rows = np.empty((len(batch), len(LABELS)), dtype=np.float32)
        start = 0
        for size in parts(len(batch)):
            end = start + size
            self._request.set_input_tensor(ov.Tensor(pixels[start:end], shared_memory=True))
            self._request.infer()
            rows[start:end] = self._request.get_output_tensor().data
            start = end
        return rows


def parts(size: int) -> list[int]:
    """Split a batch into powers of two, the largest first."""
    return [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]
