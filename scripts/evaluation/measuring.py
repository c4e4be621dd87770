"""Every evaluated picture's facts, from the very files that were scored."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from evaluation.picture_facts import PictureFacts
from evaluation.predicting import progress_bar
from evaluation.prediction import EvaluationError, Prediction
from trust_nsfw.cli.in_order import in_order
from trust_nsfw.decode_pool import usable_cores


def measured(predictions: Sequence[Prediction], paths: Mapping[str, Path]) -> list[PictureFacts | None]:
    """Measure every picture. Raises EvaluationError for one that is missing, or is not the one that was scored."""

    def measure(one: Prediction) -> PictureFacts | None:
        path = paths[one.file]
        if not path.is_file():
            raise EvaluationError(f"{path} is not there; name the evaluated images' folder with --images")
        payload = path.read_bytes()
        if one.sha256 and hashlib.sha256(payload).hexdigest() != one.sha256:
            raise EvaluationError(f"{path} is not the image that was evaluated; evaluate anew")
        return PictureFacts.of(payload)

    found = []
    with progress_bar("measuring", len(predictions)) as progress:
        for _, facts in in_order(measure, predictions, usable_cores()):
            found.append(facts)
            progress(1)
    return found
