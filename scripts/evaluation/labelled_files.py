"""The images to evaluate on: a split of a prepared data set, or a folder with a folder for each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dataset.example import Example, PreparedDataset, label_of
from evaluation.prediction import EvaluationError


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """An image with its true label. `name` is what predictions call it.

    Group, sha256, format and sides are None where nobody has recorded them: they are then found out with the scores.
    """

    name: str
    path: Path
    label: str
    group: int | None = None
    sha256: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None

    @classmethod
    def of(cls, dataset: PreparedDataset, example: Example) -> Self:
        """Return an example of a prepared data set."""
        return cls(
            name=example.file,
            path=dataset.path_of(example),
            label=example.label,
            group=example.group,
            sha256=example.sha256,
            format=example.format,
            width=example.width,
            height=example.height,
        )

    def require_recorded(self, sha256: str) -> None:
        """Raise EvaluationError where the data set's index recorded another digest than its bytes have now."""
        if self.sha256 not in (None, sha256):
            raise EvaluationError(f"{self.path} has changed since the data set was prepared; prepare it again")


def of_examples(dataset: PreparedDataset, examples: Sequence[Example]) -> list[LabelledFile]:
    """Return some of a data set's examples, such as those of a split, in their order."""
    return [LabelledFile.of(dataset, example) for example in examples]


def of_folder(folder: Path) -> list[LabelledFile]:
    """Return every file in the class folders of `folder`, sorted; names are relative to it, hidden files left out.

    Raises DatasetError for a folder that names no class, EvaluationError for one without class folders or files.
    """
    if not folder.is_dir():
        raise EvaluationError(f"{folder} is not a folder")
    classes = [entry for entry in sorted(folder.iterdir()) if entry.is_dir() and not entry.name.startswith(".")]
    if not classes:
        raise EvaluationError(f"{folder} has no folder for each class, such as {folder.name}/neutral")
    found = [
        LabelledFile(file.relative_to(folder).as_posix(), file, label_of(entry.name))
        for entry in classes
        for file in sorted(entry.rglob("*"))
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(entry).parts)
    ]
    if not found:
        raise EvaluationError(f"{folder}: its class folders hold no files")
    return found
