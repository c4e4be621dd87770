"""The model inputs of one batch: one buffer that many threads draw into and the engine reads from."""

import time
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from trust_nsfw.engines import Engine, OverlappingEngine, Pending
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
        self._reserved = self._taken = self._begun = 0
        self._pending: list[tuple[int, Pending]] = []

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
        while self._engine.overlaps and self._taken - self._begun >= self._engine.max_batch:
            self._begin()
        return taken

    def probabilities(self) -> Sequence[Sequence[float]]:
        """Compute what is left; returns five probabilities for each input taken, in order.

        Raises InternalError unless each input got a row.
        """
        while self._begun < self._taken:
            self._begin()
        found: list[list[float]] = []
        for inputs, pending in self._pending:
            started = time.perf_counter()
            rows = pending.rows()
            self.inference_seconds += time.perf_counter() - started
            if len(rows) != inputs:
                raise InternalError(f"the engine returned {len(rows)} rows for {inputs} model inputs")
            found += rows.tolist()
        return found

    def _begin(self) -> None:
        """Give the engine the next inputs, up to its largest batch; one that overlaps goes on by itself."""
        end = min(self._taken, self._begun + self._engine.max_batch)
        batch = self._buffer[self._begun : end]
        started = time.perf_counter()
        if self._engine.overlaps:
            pending = cast("OverlappingEngine", self._engine).start(batch)
        else:
            rows = self._engine.probabilities(batch)
            pending = Pending(lambda: rows)
        self.inference_seconds += time.perf_counter() - started
        self._pending.append((len(batch), pending))
        self._begun = end
