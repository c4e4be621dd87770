"""Eighty, ten, ten: by groups, or as the published split was made."""

from collections import Counter

import datasets
import numpy as np
import pytest

from dataset.example import DatasetError
from dataset.splitting import grouped_split, naive_split
from trust_nsfw.schema import LABELS

COUNTS = {"drawing": 300, "hentai": 100, "neutral": 400, "porn": 150, "sexy": 50}
MANY = [label for label, count in COUNTS.items() for _ in range(count)]


def test_each_class_is_split_eighty_ten_ten() -> None:
    splits = grouped_split(MANY, np.arange(len(MANY)), seed=42)
    found = Counter(zip(MANY, splits, strict=True))
    for label, count in COUNTS.items():
        assert found[label, "test"] == found[label, "validation"] == count // 10


def test_no_group_is_in_two_splits_and_shares_hold_all_the_same() -> None:
    random = np.random.default_rng(0)
    groups = random.integers(0, 400, len(MANY))
    splits = grouped_split(MANY, groups, seed=42)
    held: dict[int, set[str]] = {}
    for number, split in zip(groups.tolist(), splits, strict=True):
        held.setdefault(number, set()).add(split)
    assert max(map(len, held.values())) == 1
    assert 80 <= Counter(splits)["test"] <= 120


def test_a_seed_gives_its_split_again_and_another_seed_another() -> None:
    groups = np.arange(len(MANY))
    assert grouped_split(MANY, groups, 1) == grouped_split(MANY, groups, 1) != grouped_split(MANY, groups, 2)


def test_a_class_of_too_few_groups_is_named_with_their_number() -> None:
    labels = [*MANY[:600], *["sexy"] * 30]
    groups = np.array([*range(600), *(600 + place % 9 for place in range(30))])
    with pytest.raises(DatasetError, match="sexy has 9"):
        grouped_split(labels, groups, seed=42)


def test_the_naive_split_is_the_published_recipe_of_the_library_datasets() -> None:
    splits = naive_split(len(MANY), seed=42)
    rows = datasets.Dataset.from_dict({"row": list(range(len(MANY)))})
    first = rows.train_test_split(test_size=0.2, seed=42)
    second = first["test"].train_test_split(test_size=0.5, seed=42)
    expected = {"train": first["train"], "validation": second["train"], "test": second["test"]}
    for split, part in expected.items():
        assert {place for place, name in enumerate(splits) if name == split} == set(part["row"])
    assert Counter(splits) == {"train": 800, "validation": 100, "test": 100}
    assert set(COUNTS) == set(LABELS)
