"""Batches on their way to a device and rows on their way back, through page-locked memory and without waiting.

On CUDA a copy from pageable memory stops its thread; one from pinned memory to a device buffer that is already there
runs beside the kernels of the batch before. On a CPU the same calls copy at once: torch.cpu answers for torch.cuda.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

Run = Callable[[torch.Tensor], torch.Tensor]
"""What scores a batch on the device: uint8 [B, H, W, 3] -> float32 [B, 5]. It may overwrite its rows when run again."""

SLOTS = 2
"""One batch computes while the next one is copied; a third would only wait longer."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A host buffer and its counterpart on the device, uint8 [max_batch, H, W, 3]; both stay where they are."""

    host: torch.Tensor
    device: torch.Tensor
    copied: Any
    """Event: the host buffer was read and may be filled again."""
    consumed: Any
    """Event: the device buffer was read and may be written again."""


@dataclass(frozen=True, slots=True)
class Landing:
    """Rows that a device is still computing or copying back."""

    _rows: torch.Tensor
    _landed: Any

    def rows(self) -> NDArray[np.float32]:
        """Wait for the rows, float32 [B, 5]; raises RuntimeError where the device failed."""
        self._landed.synchronize()
        rows: NDArray[np.float32] = self._rows.numpy().copy()  # pinned memory is scarce and goes back
        return rows


class Staging:
    """A ring of slots and the stream that fills them; used from one thread."""

    def __init__(self, shape: tuple[int, int, int, int], device: torch.device) -> None:
        """Allocate for batches of up to `shape`, [max_batch, H, W, 3]."""
        self._backend: Any = torch.get_device_module(device)
        self._pinned = device.type == "cuda"
        self._copies = self._backend.Stream()
        self._slots = [self._slot(shape, device) for _ in range(SLOTS)]
        self._turn = 0
        self._copies.wait_stream(self._backend.current_stream())  # whatever used the buffers' memory before them

    def launch(self, batch: NDArray[np.uint8], size: int, run: Run) -> Landing:
        """Copy a batch over, run it padded to `size` rows, and start its rows back; returns before they arrive.

        `batch` has been read when this returns. The padding is whatever an earlier batch left: cheaper than filling
        it, and its rows are never copied back.
        """
        slot = self._slots[self._turn]
        self._turn = (self._turn + 1) % SLOTS
        compute = self._backend.current_stream()

        slot.copied.synchronize()
        slot.host.numpy()[: len(batch)] = batch
        self._copies.wait_event(slot.consumed)
        with self._backend.stream(self._copies):
            slot.device[: len(batch)].copy_(slot.host[: len(batch)], non_blocking=True)
            slot.copied.record(self._copies)

        compute.wait_event(slot.copied)
        try:
            scored = run(slot.device[:size])[: len(batch)]
        finally:
            slot.consumed.record(compute)

        rows = torch.empty(scored.shape, dtype=scored.dtype, pin_memory=self._pinned)
        rows.copy_(scored, non_blocking=True)  # queued before any later run, which may overwrite what it reads
        landed = self._event()
        landed.record(compute)
        return Landing(rows, landed)

    def _slot(self, shape: tuple[int, int, int, int], device: torch.device) -> Slot:
        host = torch.zeros(shape, dtype=torch.uint8, pin_memory=self._pinned)
        return Slot(host, host.to(device, copy=True), self._event(), self._event())

    def _event(self) -> Any:
        """Return an event whose waiters sleep: by default they spin, on a core that could decode images."""
        return self._backend.Event(blocking=True) if self._pinned else self._backend.Event()
