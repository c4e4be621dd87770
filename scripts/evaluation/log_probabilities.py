"""The model's own log-probabilities of images, as serving computes them but for two steps: no rounding, no temperature.

Published scores have 6 decimals, so a true class at 1e-7 reads 0 and its logarithm is lost; an overconfident model has
just such errors, and they decide what temperature is right. The engine's float32 rows reach down to 1e-38.
"""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from archiving.inputs import HANDLER, checkpoint_files
from evaluation.labelled_files import LabelledFile
from evaluation.predicting import Progress
from evaluation.prediction import EvaluationError
from trust_nsfw.engines.candidates import resolve_device
from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.errors import CheckpointError, ServiceError
from trust_nsfw.images import decode
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import LABELS, ImageInfo, ScoredView, Scores
from trust_nsfw.service import POLICIES_FOLDER
from trust_nsfw.settings import Limits
from trust_nsfw.temperature import CALIBRATION_FILE
from trust_nsfw.verdicts import most_severe

LEAST_PROBABILITY = float(np.finfo(np.float32).tiny)
"""1.2e-38; what underflowed to 0 counts as this, a logit some 87 below the highest."""

MAX_BATCH = 32
BATCH_IMAGES = 16
NO_ROWS = np.empty((0, len(LABELS)), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Logits:
    """Labelled images' logits up to a constant for each image, which a softmax does not see: `values`, float64 [N, 5].

    `classes`, int64 [N], are the true labels' places, `groups` tells near-duplicates, each image its own where that is
    not known. `unreadable` images are left out.
    """

    values: NDArray[np.float64]
    classes: NDArray[np.int64]
    groups: NDArray[np.int64]
    unreadable: int


class UncalibratedModel:
    """A checkpoint in fp32 on torch, without its calibration.json if it has one."""

    def __init__(self, checkpoint: Path) -> None:
        """Load it; raises CheckpointError for a checkpoint that can't be served exactly."""
        self._spec = PreprocessingSpec.load(checkpoint)
        self._policy = load_policy_file(HANDLER / POLICIES_FOLDER / "default.yaml").policy
        with tempfile.TemporaryDirectory(prefix="calibrate-") as folder:
            for file in checkpoint_files(checkpoint):
                if file.name != CALIBRATION_FILE:
                    (Path(folder) / file.name).symlink_to(file.resolve())
            try:
                self._engine = TorchEngine(
                    Path(folder), self._spec, resolve_device(0), precision="fp32", max_batch=MAX_BATCH, compile=None
                )
            except (OSError, ValueError, RuntimeError, SafetensorError) as error:
                raise CheckpointError(f"{checkpoint} can't be loaded: {error}") from error

    def logits(self, files: Sequence[LabelledFile], progress: Progress = lambda _: None) -> Logits:
        """Score images, each by the view that decides under the default policy, as serving does.

        Raises EvaluationError when none can be read, and for a file whose bytes are not those that the data set's index
        recorded.
        """
        rows, known = [], []
        for start in range(0, len(files), BATCH_IMAGES):
            batch = files[start : start + BATCH_IMAGES]
            for file, row in zip(batch, self._rows(batch), strict=True):
                if row is not None:
                    rows.append(row)
                    known.append(file)
            progress(len(batch))
        if not rows:
            raise EvaluationError("no image could be scored")
        own = iter(range(-1, -len(known) - 1, -1))
        return Logits(
            values=np.log(np.maximum(np.stack(rows).astype(np.float64), LEAST_PROBABILITY)),
            classes=np.array([LABELS.index(file.label) for file in known], dtype=np.int64),
            groups=np.array([next(own) if file.group is None else file.group for file in known], dtype=np.int64),
            unreadable=len(files) - len(known),
        )

    def _rows(self, files: Sequence[LabelledFile]) -> list[NDArray[np.float32] | None]:
        """Return each image's probabilities in the deciding view, float32 [5]; None for what is no image."""
        drawn = [self._drawn(file) for file in files]
        inputs = np.concatenate(drawn)
        batches = range(0, len(inputs), MAX_BATCH)
        rows = np.concatenate([self._engine.probabilities(inputs[at : at + MAX_BATCH]) for at in batches] or [NO_ROWS])
        ends = np.cumsum([len(views) for views in drawn])
        return [self._deciding(rows[end - len(views) : end]) for views, end in zip(drawn, ends, strict=True)]

    def _drawn(self, file: LabelledFile) -> NDArray[np.uint8]:
        """Return the model inputs of an image's views, uint8 [V, H, W, 3]; none for what is no image."""
        try:
            content = file.path.read_bytes()
            file.require_recorded(hashlib.sha256(content).hexdigest())
            image = decode(content, Limits(), self._spec.decoded_at_least)
            return np.stack([to_model_input(view.rgb, self._spec, view.box) for view in image.views])
        except (OSError, ServiceError):
            return np.empty((0, self._spec.height, self._spec.width, 3), dtype=np.uint8)

    def _deciding(self, rows: NDArray[np.float32]) -> NDArray[np.float32] | None:
        # Frames stand for places here: all that is asked is which row decided.
        try:
            views = [
                ScoredView(ImageInfo("", "", 0, 0, frame=place), Scores.from_probabilities(row.tolist()))
                for place, row in enumerate(rows)
            ]
        except ServiceError:
            return None
        return rows[most_severe(views, self._policy).image.frame] if views else None
