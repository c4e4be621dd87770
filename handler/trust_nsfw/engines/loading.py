"""A candidate -> a loaded engine; only the library of the one that is wanted is imported."""

from pathlib import Path

import torch

from trust_nsfw.engines import Engine
from trust_nsfw.engines.candidates import Candidate
from trust_nsfw.errors import CheckpointError
from trust_nsfw.manifest import CHECKPOINT_FOLDER, GRAPH_FILE
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.settings import EngineSettings


def load_engine(
    candidate: Candidate, archive: Path, spec: PreprocessingSpec, device: torch.device, settings: EngineSettings
) -> Engine:
    """Load an unpacked archive's graph or checkpoint and warm it up; raises CheckpointError where it can't be used."""
    if candidate.engine == "openvino":
        try:
            from trust_nsfw.engines.openvino_engine import OpenVinoEngine  # noqa: PLC0415 - may not be installed
        except ImportError as error:
            raise CheckpointError(f"OpenVINO can't be imported: {error}") from None
        return OpenVinoEngine(
            archive / GRAPH_FILE,
            precision=candidate.precision,
            max_batch=settings.max_batch,
            threads=settings.threads,
            pin_threads=settings.pin_threads,
        )
    from trust_nsfw.engines.torch_engine import TorchEngine  # noqa: PLC0415 - brings transformers, 100 MB and seconds

    if settings.threads:
        torch.set_num_threads(settings.threads)
    return TorchEngine(
        archive / CHECKPOINT_FOLDER, spec, device, precision=candidate.precision, max_batch=settings.max_batch
    )
