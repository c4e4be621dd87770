"""Eighty to train on, ten to validate, ten to test: by groups, or as the published split was made."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dataset.example import SPLITS, DatasetError, Split
from trust_nsfw.schema import LABELS

FOLDS = 10
PUBLISHED_SEED = 42
TEST_SHARE, HALF = 0.2, 0.5
SplitMethod = Literal["grouped", "naive"]


def grouped_split(labels: Sequence[str], groups: NDArray[np.int64], seed: int) -> list[Split]:
    """Return a split for each image: classes in equal shares as far as groups allow, and no group in two splits.

    Raises DatasetError when a class has too few groups to be in every split.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # noqa: PLC0415 (a second, which a usage error saves)

    _require_enough(labels, groups)
    classes = np.array([LABELS.index(label) for label in labels])
    folds = StratifiedGroupKFold(n_splits=FOLDS, shuffle=True, random_state=seed).split(classes, classes, groups)
    splits = np.full(len(labels), "train", dtype=object)
    for name, (_, members) in zip(("test", "validation"), folds, strict=False):
        splits[members] = name
    found: list[Split] = splits.tolist()
    for label in sorted(set(labels)):
        held = {split for split, own in zip(found, labels, strict=True) if own == label}
        if missing := [split for split in SPLITS if split not in held]:
            raise DatasetError(
                f"class {label} could not be brought into {' and '.join(missing)}: too many of its images are "
                "near-duplicates of each other; add images, or try another --seed"
            )
    return found


def naive_split(count: int, seed: int) -> list[Split]:
    """Return the split of each of `count` images in their source's order, as `datasets` makes it at random."""
    import datasets  # noqa: PLC0415 (a second, again)

    places = datasets.Dataset.from_dict({"place": list(range(count))})
    first = places.train_test_split(test_size=TEST_SHARE, seed=seed)
    second = first["test"].train_test_split(test_size=HALF, seed=seed)
    splits: list[Split] = ["train"] * count
    for place in second["train"]["place"]:
        splits[place] = "validation"
    for place in second["test"]["place"]:
        splits[place] = "test"
    return splits


def _require_enough(labels: Sequence[str], groups: NDArray[np.int64]) -> None:
    found = Counter(label for label, _ in sorted(set(zip(labels, groups.tolist(), strict=True))))
    if few := [f"{label} has {number}" for label, number in sorted(found.items()) if number < FOLDS]:
        raise DatasetError(
            f"every class needs at least {FOLDS} images that are no near-duplicates, to be split in "
            f"{FOLDS - 2}/1/1 tenths: {', '.join(few)}"
        )
