"""The one thread that talks to a GPU: batches in, pending rows out, in the order they came.

CUDA graphs belong to the thread that recorded them and callers come from several, so the lane has a thread of its own.
Batches are padded to a few sizes (buckets), each compiled and recorded before the first request.
"""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from trust_nsfw.engines import Pending
from trust_nsfw.engines.compilation import Compile
from trust_nsfw.engines.scorer import Scorer
from trust_nsfw.engines.staging import Landing, Run, Staging

logger = logging.getLogger(__name__)

WARM_UP_RUNS = 3
"""A compiled batch size compiles at its first run, records its CUDA graph at the second and replays it at the third."""

WARM_UP_TOLERANCE = 0.03
"""Largest difference in a probability between compiled and eager rows. It finds code that computes something else;
what rounding may do, the golden pairs judge."""

MOST_CAUSE_CHARACTERS = 1000
"""What a log line takes of a compiler's complaint."""


class Lane:
    """A scorer on its device, with staging buffers and a thread; `start` may be called from any thread."""

    def __init__(
        self,
        scorer: Scorer,
        shape: tuple[int, int, int, int],
        device: torch.device,
        compile: Compile | None,
        warm_up_seconds: float,
    ) -> None:
        """Take a scorer for batches of up to `shape`, [max_batch, H, W, 3], and warm up every bucket.

        Once `warm_up_seconds` are over no further bucket is compiled. A bucket that could not be compiled runs eagerly,
        and a warning says so.
        """
        scorer.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs leave this one out
        self._scorer = scorer
        self._compiled: dict[int, Run] = {}
        self._shape = shape
        backend: Any = torch.get_device_module(device)
        self._thread = ThreadPoolExecutor(1, "engine", initializer=backend.set_device, initargs=(device,))
        self._staging = self._thread.submit(Staging, shape, device).result()
        self._thread.submit(self._warm_up, compile, warm_up_seconds).result()

    @property
    def compiled_buckets(self) -> tuple[int, ...]:
        """The batch sizes that run compiled."""
        return tuple(self._compiled)

    def start(self, batch: NDArray[np.uint8]) -> Pending:
        """Begin to score uint8 [B, H, W, 3], 1 <= B <= max_batch, which must not change until its rows are there.

        While one batch computes the next is copied, so a caller with several gains from starting the second before it
        asks for the rows of the first.
        """
        size = bucket(len(batch), self._shape[0])
        landing = self._thread.submit(self._launch, batch, size, self._compiled.get(size, self._scorer))
        return Pending(lambda: landing.result().rows())

    @torch.inference_mode()
    def _launch(self, batch: NDArray[np.uint8], size: int, run: Run) -> Landing:
        return self._staging.launch(batch, size, run)

    def _warm_up(self, compile: Compile | None, limit_seconds: float) -> None:
        """Run each bucket, smallest first: eagerly, then compiled, which has to give the same rows."""
        started = time.monotonic()
        compiled: Run | None = None
        for size in buckets(self._shape[0]):
            batch = _pictures((size, *self._shape[1:]))
            expected = self._launch(batch, size, self._scorer).rows()
            if compile and time.monotonic() - started > limit_seconds:
                logger.warning("batches of %d and more run eagerly: compiling took over %.0f s", size, limit_seconds)
                compile = None
            if compile is None:
                continue
            try:
                compiled = compile(self._scorer) if compiled is None else compiled
                rows = [self._launch(batch, size, compiled).rows() for _ in range(WARM_UP_RUNS)][-1]
            except (RuntimeError, OSError, ImportError) as error:  # no compiler, a GPU too old, not enough memory
                cause = " ".join(f"{type(error).__name__}: {error}".split())[:MOST_CAUSE_CHARACTERS]
                logger.warning("batches of %d and more run eagerly: they can't be compiled: %s", size, cause)
                compile = None
                continue
            if np.allclose(rows, expected, rtol=0, atol=WARM_UP_TOLERANCE, equal_nan=True):
                self._compiled[size] = compiled
            else:
                logger.warning("batches of %d run eagerly: compiled, they give other rows", size)
        seconds = time.monotonic() - started
        logger.info("warmed up in %.1f s; compiled for batches of %s", seconds, self.compiled_buckets or "no size")


def _pictures(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return noise over a colour of each image's own: to a model, noise alone looks the same whatever the image."""
    generator = np.random.default_rng(shape[0])
    colours = generator.integers(0, 128, (shape[0], 1, 1, 3), dtype=np.uint8)
    return colours + generator.integers(0, 128, shape, dtype=np.uint8)


def bucket(size: int, largest: int) -> int:
    """Return the smallest power of two that holds `size`, at most `largest`."""
    return min(1 << (size - 1).bit_length(), largest)


def buckets(largest: int) -> tuple[int, ...]:
    """Return every bucket, ascending: the powers of two below `largest`, and `largest`."""
    return tuple(sorted({bucket(size, largest) for size in range(1, largest + 1)}))
