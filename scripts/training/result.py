"""A finished training as a checkpoint directory that scripts/build_archive.py takes as it is."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel

from evaluation.finite import without_nan
from evaluation.training_twins import RUN_CARD_FILE
from model_sources.publication import publish, staging_for
from model_sources.record import SourceRecord
from model_sources.verification import verify
from training.run_card import curves, page
from trust_nsfw.preprocess import RECORD_FILE, SPEC_FILE, PreprocessingSpec

PAGE_FILE, CURVES_FILE = "run_card.md", "curves.png"


def write(
    out: Path, model: PreTrainedModel, base: Path, spec: PreprocessingSpec, card: Mapping[str, Any], *, logs: Path
) -> None:
    """Put the checkpoint in place with one rename. Raises CheckpointError for what could not be served.

    Beside weights and configuration it holds the preprocessing it was trained with, where it came from, its card, and
    TensorBoard's `logs`, which no archive takes along.
    """
    with staging_for(out) as staging:
        model.save_pretrained(staging)
        shutil.copyfile(base / SPEC_FILE, staging / SPEC_FILE)
        (staging / RECORD_FILE).write_text(json.dumps(spec.record, indent=2) + "\n", encoding="utf-8")
        SourceRecord(card["name"], revision=card["revision"], weights="trained").write(staging)
        (staging / RUN_CARD_FILE).write_text(
            json.dumps(without_nan(card), indent=1, allow_nan=False) + "\n", encoding="utf-8"
        )
        (staging / PAGE_FILE).write_text(page(card), encoding="utf-8")
        (staging / CURVES_FILE).write_bytes(curves(card["history"], card["best"]["epoch"]))
        if logs.is_dir():
            shutil.copytree(logs, staging / logs.name)
        verify(staging)
        publish(staging, out)
