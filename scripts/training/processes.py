"""How many processes train together, each on a device of its own: what torchrun started, else one."""

import os

from training.settings import TrainingError


def process_count() -> int:
    """Return how many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def refuse_idle_gpus(gpus: int) -> None:
    """Raise TrainingError for a process without torchrun that sees several GPUs.

    transformers would split every batch over them in one process (DataParallel), slower than one process for each and
    with another batch than the settings say.
    """
    if gpus > 1 and "LOCAL_RANK" not in os.environ:
        raise TrainingError(
            f"there are {gpus} GPUs: start one process for each with torchrun --nproc-per-node {gpus} scripts/train.py "
            "..., or choose one, such as CUDA_VISIBLE_DEVICES=0"
        )
