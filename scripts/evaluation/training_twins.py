"""Which evaluated images a model may know from its training, and how far that is known at all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dataset.example import PreparedDataset
from evaluation.measuring import measured
from evaluation.neighbours import training_neighbours
from evaluation.prediction import Prediction
from trust_nsfw.checkpoint import read_json

RUN_CARD_FILE = "run_card.json"
"""What scripts/train.py leaves in a checkpoint; its data fingerprint says what the model was trained on."""

SHORT = 12
"""Hexadecimal digits of a fingerprint that are shown, and that a trained checkpoint's revision has."""

FINDS_OUT = "evaluate.py --trained-on DATASET finds out"


@dataclass(frozen=True, slots=True)
class TrainingTwins:
    """`places`, among scored predictions, are those with a near-duplicate in the training split; None: not known.

    `basis` is a sentence: by what that is known, or why it is not. `is_doubtful` where a reader must be warned of that.
    """

    places: frozenset[int] | None = None
    basis: str = f"Whether images have near-duplicates among the training images is not known; {FINDS_OUT}."
    is_doubtful: bool = False

    @classmethod
    def in_training_data(
        cls,
        predictions: Sequence[Prediction],
        paths: Mapping[str, Path],
        training: PreparedDataset,
        fingerprint: str | None,
        learned: str | None,
    ) -> Self:
        """Compare the pictures with a training split's, whatever data they are of.

        `fingerprint` is the evaluated data's, `learned` that of the data the model says it was trained on.
        """
        is_ours = training.fingerprint == fingerprint
        found = training_neighbours(predictions, measured(predictions, paths), training, own_groups=is_ours)
        places = frozenset(one.place for one in found)
        if learned is not None and not training.fingerprint.startswith(learned):
            text = (
                f"Near-duplicates are those in the training split of {training.folder} (fingerprint "
                f"{training.fingerprint[:SHORT]}), but the model says it was trained on other data ({learned[:SHORT]})."
            )
            return cls(places, text, is_doubtful=True)
        return cls(places, f"Near-duplicates are those in the training split of {training.folder}, by --trained-on.")

    @classmethod
    def in_own_data(
        cls,
        predictions: Sequence[Prediction],
        split: str,
        training_groups: frozenset[int],
        fingerprint: str,
        learned: str | None,
    ) -> Self:
        """Take a data set's own groups, unless the model was trained on another: then nothing is known."""
        if learned is not None and not fingerprint.startswith(learned):
            text = (
                f"The model was trained on other data (fingerprint {learned[:SHORT]}) than it is evaluated on "
                f"({fingerprint[:SHORT]}): whether it has seen near-duplicates of these images is not known, and "
                f"figures may be too good; {FINDS_OUT}."
            )
            return cls(None, text, is_doubtful=True)
        is_training = split == "train"
        places = frozenset(
            place for place, one in enumerate(predictions) if is_training or one.group in training_groups
        )
        if learned is None:
            return cls(
                places,
                "The model does not say what it was trained on; near-duplicates are counted as if it had been this "
                "data set's training split. --trained-on DATASET names another.",
            )
        return cls(places, "Near-duplicates are those in this data set's training split, which the model learned from.")


def fingerprint_learned(checkpoint: Path | None, revision: str | None) -> str | None:
    """Return the fingerprint of the data a model was trained on, or its first SHORT digits; None where nothing says.

    A checkpoint directory's run card has it whole. `revision` is what the model calls its revision: scripts/train.py
    makes it of the fingerprint, and it travels into archives and answers.
    """
    if checkpoint is not None and (file := checkpoint / RUN_CARD_FILE).is_file():
        data = read_json(file).get("data")
        if isinstance(data, dict) and isinstance(found := data.get("fingerprint"), str):
            return found
    return revision if revision is not None and re.fullmatch(f"[0-9a-f]{{{SHORT}}}", revision) else None
