"""The model inputs of one batch: one buffer that many threads draw into and the engine reads from."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trust_nsfw.engines import Engine
from trust_nsfw.errors import InternalError
from trust_nsfw.preprocess import PreprocessingSpec


class EngineFeed:
    """Hands an engine what was drawn, in the order of reservation and as few calls as its largest batch allows.

    Rows are reserved for the most views that an image can have; memory that nothing is drawn into is never touched.
    """

    def __init__(self, engine: Engine, spec: PreprocessingSpec, most_inputs: int) -> None:
        """Make room for `most_inputs` model inputs."""
        self.inference_seconds = 0.0
        self._engine = engine
        self._buffer = np.empty((most_inputs, spec.height, spec.width, 3), dtype=np.uint8)
        self._reserved = self._taken = self._computed = 0
        self._rows: list[list[float]] = []

    def reserve(self, most_views: int) -> slice:
        """Set rows apart for one image's views."""
        start = self._reserved
        self._reserved += most_views
        return slice(start, self._reserved)

    def inputs(self, reserved: slice) -> NDArray[np.uint8]:
        """Return the reserved rows to draw into: uint8 [most_views, H, W, 3]."""
        return self._buffer[reserved]

    def take(self, reserved: slice, drawn: int) -> range:
        """Take the first `drawn` of some reserved rows for the engine; returns which of `probabilities` will be theirs.

        To be called in the order of reservation. An engine that overlaps with decoding starts on every full batch.
        """
        taken = range(self._taken, self._taken + drawn)
        if taken.start != reserved.start:  # an image before this one had fewer views than it might have had
            self._buffer[taken.start : taken.stop] = self._buffer[reserved.start : reserved.start + drawn]
        self._taken += drawn
        while self._engine.overlaps and self._taken - self._computed >= self._engine.max_batch:
            self._compute()
        return taken

    def probabilities(self) -> Sequence[Sequence[float]]:
        """Compute what is left; returns five probabilities for each input taken, in order."""
        while self._computed < self._taken:
            self._compute()
        return self._rows

    def _compute(self) -> None:
        """Run the engine on the next inputs, up to its largest batch; raises InternalError unless each gets a row."""
        end = min(self._taken, self._computed + self._engine.max_batch)
        started = time.perf_counter()
        rows = self._engine.probabilities(self._buffer[self._computed : end])
        self.inference_seconds += time.perf_counter() - started
        if len(rows) != end - self._computed:
            raise InternalError(f"the engine returned {len(rows)} rows for {end - self._computed} model inputs")
        self._rows += rows.tolist()
        self._computed = end
