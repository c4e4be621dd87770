"""The checkpoint that training starts from: a directory, or a model on the hub, with a new head for the five labels."""

from pathlib import Path

import torch
from transformers import AutoModelForImageClassification, PreTrainedModel
from transformers.utils import logging

from model_sources import hub
from model_sources.publication import alone_in, publish, staging_for
from model_sources.record import SourceRecord
from trust_nsfw.checkpoint import WEIGHTS_PATTERN
from trust_nsfw.schema import LABELS


def base_directory(base: str, store: Path) -> Path:
    """Return where the base lies: `base` itself if it is a directory, else a copy from the hub under `store`.

    Raises model_sources.errors.FetchError when the hub can't be reached or refuses, CheckpointError for what is no
    checkpoint.
    """
    if Path(base).is_dir():
        return Path(base)
    destination = store / base.replace("/", "--")
    with alone_in(store), staging_for(destination) as staging:
        if not any(destination.glob(WEIGHTS_PATTERN)):
            hub.fetch(staging, base)
            publish(staging, destination)
    return destination


def load(directory: Path, seed: int) -> PreTrainedModel:
    """Return the model in fp32 with a head for LABELS in their order; a head of another size starts anew, seeded."""
    logging.disable_progress_bar()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel = AutoModelForImageClassification.from_pretrained(
            directory,
            local_files_only=True,
            trust_remote_code=False,
            dtype=torch.float32,
            num_labels=len(LABELS),
            id2label=dict(enumerate(LABELS)),
            label2id={label: index for index, label in enumerate(LABELS)},
            ignore_mismatched_sizes=True,
        )
    return model


def revision_of(directory: Path) -> str | None:
    """Return the commit that the base came from, None where it is not recorded."""
    return SourceRecord.read(directory).revision
