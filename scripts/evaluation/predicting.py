"""Labelled files -> predictions, in batches through a scorer; whatever can't be scored keeps its place with a code."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tqdm import tqdm

from evaluation.labelled_files import LabelledFile
from evaluation.prediction import Prediction
from evaluation.scorers import Scorer
from trust_nsfw.errors import ServiceError
from trust_nsfw.images import decode
from trust_nsfw.schema import Failure, Scores
from trust_nsfw.settings import Limits

BATCH_IMAGES = 16
"""What one request to a server may hold; the pipeline cuts it to the engine's own batches."""

UNREADABLE_FILE = "unreadable_file"
"""The code of a file that this machine could not read at all; every other code is the service's."""

Progress = Callable[[int], object]
"""Is called with the number of images done since the last call."""


def predict(
    files: Sequence[LabelledFile],
    scorer: Scorer,
    progress: Progress = lambda _: None,
    batch_images: int = BATCH_IMAGES,
) -> list[Prediction]:
    """Return one prediction per file, in order.

    Raises EvaluationError for a file whose bytes are not those that the data set's index recorded, and when the scorer
    gives up.
    """
    predictions = []
    for start in range(0, len(files), batch_images):
        batch = files[start : start + batch_images]
        contents = [_content(file) for file in batch]
        results = iter(scorer.score([content for content in contents if isinstance(content, bytes)]))
        for file, content in zip(batch, contents, strict=True):
            if isinstance(content, Failure):
                predictions.append(_prediction(file, b"", content))
            else:
                predictions.append(_prediction(file, content, next(results)))
        progress(len(batch))
    return predictions


@contextmanager
def progress_bar(title: str, total_images: int) -> Iterator[Progress]:
    """Show a bar on stderr while the block lasts, where somebody can see it."""
    with tqdm(total=total_images, desc=title, unit=" images", disable=None) as bar:
        yield bar.update


def _content(file: LabelledFile) -> bytes | Failure:
    try:
        return file.path.read_bytes()
    except OSError as error:
        return Failure(UNREADABLE_FILE, 400, error.strerror or str(error))


def _prediction(file: LabelledFile, content: bytes, result: Scores | Failure) -> Prediction:
    error = result.code if isinstance(result, Failure) else None
    sha256 = hashlib.sha256(content).hexdigest() if error != UNREADABLE_FILE else file.sha256 or ""
    file.require_recorded(sha256)
    kind, width, height = (file.format, file.width, file.height) if file.format or error else _header(content)
    return Prediction(
        file=file.name,
        label=file.label,
        scores=None if isinstance(result, Failure) else result.classes(),
        error=error,
        sha256=sha256,
        format=kind,
        width=width,
        height=height,
        group=file.group,
    )


def _header(content: bytes) -> tuple[str | None, int | None, int | None]:
    """Return format, width and height in px as shown upright; the limits of a server may be other than ours."""
    try:
        image = decode(content, Limits())
    except ServiceError:
        return None, None, None
    return image.format, image.width, image.height
