"""Engines: uint8 batches in, probabilities out. Each wraps one inference library behind the same protocol."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Engine(Protocol):
    """A loaded model. Normalisation and softmax live inside, on the engine's own device."""

    name: str
    precision: str
    max_batch: int
    overlaps: bool
    """Whether images may be decoded while it computes: on a device of its own, not on the cores that decode."""

    def probabilities(self, batch: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Map uint8 [B, H, W, 3], 1 <= B <= max_batch, to float32 [B, 5] in the order of LABELS, rows summing to 1.

        The batch is C-contiguous and is read during the call only; the rows returned are the caller's to keep.
        """
        ...


@dataclass(frozen=True, slots=True)
class Pending:
    """Rows that were asked for."""

    rows: Callable[[], NDArray[np.float32]]
    """Waits for the rows, float32 [B, 5] in the order of the batch; raises what the engine raised."""


class OverlappingEngine(Engine, Protocol):
    """An engine with `overlaps`: it takes further batches while one computes."""

    def start(self, batch: NDArray[np.uint8]) -> Pending:
        """Begin what `probabilities` does and return; `batch` must not change until its rows are there."""
        ...
