"""What was taken in -> a data set: groups, labels that conflict within one, splits, the index's lines."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dataset.example import Example, Split
from dataset.grouping import group
from dataset.intake import Duplicate, Intake, Kept
from dataset.splitting import SplitMethod, grouped_split, naive_split


@dataclass(frozen=True, slots=True)
class Conflict:
    """An image, kept or a duplicate, of a group whose images don't all have one label."""

    group: int
    file: str
    name: str
    label: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Leak:
    """What of one split is in another too: groups, the images in them, and exact copies beyond the one that is kept."""

    groups: int
    images: int
    copies: int


@dataclass(frozen=True, slots=True)
class Assembly:
    """A data set before it is written; examples in the order of their files, each with its image as taken in."""

    examples: tuple[Example, ...]
    kept: tuple[Kept, ...]
    conflicts: tuple[Conflict, ...]
    leak: Leak


def assemble(intake: Intake, method: SplitMethod, seed: int) -> Assembly:
    """Group, check and split the images. Raises DatasetError when they are too few to split by groups."""
    kept = sorted(intake.kept, key=lambda one: one.file)
    groups = group([one.image.signature for one in kept])
    group_of = {one.sha256: int(number) for one, number in zip(kept, groups, strict=True)}
    conflicts = _conflicts(kept, intake.duplicates, group_of)
    conflicting = {conflict.group for conflict in conflicts}
    if method == "grouped":
        splits = grouped_split([one.label for one in kept], groups, seed)
        split_of, copies = {one.sha256: split for one, split in zip(kept, splits, strict=True)}, 0
    else:
        split_of, copies = _in_source_order(intake, seed)
        splits = [split_of[one.sha256] for one in kept]
    examples = tuple(
        Example(
            file=one.file,
            label=one.label,
            split=split_of[one.sha256],
            group=group_of[one.sha256],
            sha256=one.sha256,
            format=one.image.format,
            width=one.image.width,
            height=one.image.height,
            perceptual_hash=one.image.signature.perceptual_hash,
            conflicting=group_of[one.sha256] in conflicting,
        )
        for one in kept
    )
    return Assembly(examples, tuple(kept), conflicts, _leak(groups, splits, copies))


def _conflicts(kept: list[Kept], duplicates: list[Duplicate], group_of: dict[str, int]) -> tuple[Conflict, ...]:
    members: dict[int, list[Conflict]] = defaultdict(list)
    for one in kept:
        number = group_of[one.sha256]
        members[number].append(Conflict(number, one.file, one.name, one.label, one.sha256))
    for two in duplicates:
        number = group_of[two.kept.sha256]
        members[number].append(Conflict(number, two.kept.file, two.name, two.label, two.kept.sha256))
    return tuple(
        conflict
        for _, found in sorted(members.items())
        if len({one.label for one in found}) > 1
        for conflict in sorted(found, key=lambda one: (one.file, one.name))
    )


def _in_source_order(intake: Intake, seed: int) -> tuple[dict[str, Split], int]:
    """Return the random split of every digest's first image, and how many later copies went into another split."""
    split_of: dict[str, Split] = {}
    copies = 0
    for sha256, split in zip(intake.sequence, naive_split(len(intake.sequence), seed), strict=True):
        copies += split_of.setdefault(sha256, split) != split
    return split_of, copies


def _leak(groups: NDArray[np.int64], splits: list[Split], copies: int) -> Leak:
    held: dict[int, list[Split]] = defaultdict(list)
    for number, split in zip(groups.tolist(), splits, strict=True):
        held[number].append(split)
    across = [found for found in held.values() if len(set(found)) > 1]
    return Leak(len(across), sum(map(len, across)), copies)
