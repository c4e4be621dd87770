"""What a model said of a labelled image, and the file of such lines that every later step reads."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trust_nsfw.schema import LABELS

PREDICTIONS_FILE = "predictions.jsonl"


class EvaluationError(RuntimeError):
    """What can't be evaluated; the message names the file or the value."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One image's true label and its scores by label, None with the error's code where it could not be scored.

    `file` is as the data set names it; `group` is its near-duplicates' number, None where that is not known.
    """

    file: str
    label: str
    scores: dict[str, float] | None
    error: str | None
    sha256: str
    format: str | None
    width: int | None
    height: int | None
    group: int | None = None


def write_predictions(file: Path, predictions: Iterable[Prediction]) -> None:
    """Write a line of JSON per image, to a temporary name that is then renamed."""
    partial = file.with_name(f".{file.name}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        for prediction in predictions:
            stream.write(json.dumps(asdict(prediction)) + "\n")
    partial.replace(file)


def read_predictions(file: Path) -> list[Prediction]:
    """Read what write_predictions wrote. Raises EvaluationError naming the line that is something else."""
    names = {field.name for field in fields(Prediction)}
    found = []
    try:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            content = json.loads(line)
            if not isinstance(content, dict) or set(content) != names or content["label"] not in LABELS:
                raise EvaluationError(f"{file}:{number} is not a prediction")
            if (scores := content["scores"]) is not None and set(scores) != set(LABELS):
                raise EvaluationError(f"{file}:{number}: scores of {', '.join(scores)}; needed are {', '.join(LABELS)}")
            found.append(Prediction(**content))
    except OSError as error:
        raise EvaluationError(f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise EvaluationError(f"{file}:{number} is not JSON: {error}") from None
    if not found:
        raise EvaluationError(f"{file} holds no prediction")
    return found


def scored(predictions: Sequence[Prediction]) -> list[Prediction]:
    """Return those with scores. Raises EvaluationError when there is none."""
    if not (found := [one for one in predictions if one.scores is not None]):
        raise EvaluationError("no image could be scored")
    return found


def probabilities_of(predictions: Sequence[Prediction]) -> NDArray[np.float64]:
    """Return float64 [N, 5] in the order of LABELS; every prediction must have scores."""
    return np.array([[one.scores[label] for label in LABELS] for one in predictions if one.scores is not None])


def classes_of(predictions: Sequence[Prediction]) -> NDArray[np.int64]:
    """Return the true labels' places in LABELS, int64 [N]."""
    return np.array([LABELS.index(one.label) for one in predictions], dtype=np.int64)
