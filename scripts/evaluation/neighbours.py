"""Near-duplicates of training pictures among evaluated ones: how they are scored tells nothing of new pictures."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dataset.example import Example, PreparedDataset
from dataset.grouping import MAX_HASH_DISTANCE, MIN_CORRELATION, correlation
from dataset.signature import Signature
from evaluation.picture_facts import PictureFacts
from evaluation.prediction import Prediction

ROWS_PER_BLOCK = 256
MOST_CANDIDATES = 20
"""Training pictures looked at for an evaluated one, the nearest hashes first."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """An evaluated picture's nearest training picture: bits of 64 in which their hashes differ, and how alike they are.

    `how` is "same bytes", "alike", or "same group" where only other near-duplicates between them link the two.
    """

    place: int
    training: Example
    distance: int
    correlation: float
    how: str


def training_neighbours(
    predictions: Sequence[Prediction], facts: Sequence[PictureFacts | None], data: PreparedDataset, *, own_groups: bool
) -> list[Neighbour]:
    """Return a neighbour for each picture that has one, in their order.

    `own_groups` says that the predictions' groups are this data set's.
    """
    training = data.of_split("train")
    by_bytes = {example.sha256: example for example in training}
    groups = defaultdict(list)
    for example in training:
        groups[example.group].append(example)

    @cache
    def signature_of(example: Example) -> Signature | None:
        found = PictureFacts.of(data.path_of(example).read_bytes())
        return None if found is None else found.signature

    found = []
    distances = _distances(facts, training)
    for place, (one, fact, near) in enumerate(zip(predictions, facts, distances, strict=True)):
        if fact is None:
            continue
        candidates = [(distance, training[index]) for distance, index in near]
        linked = groups[one.group] if own_groups and one.group is not None else []
        alike = [
            (-closeness, distance, example)
            for distance, example in candidates
            if (other := signature_of(example)) is not None
            and (closeness := correlation(fact.signature, other)) >= MIN_CORRELATION
        ]
        same = by_bytes.get(one.sha256)
        if same is not None:
            found.append(Neighbour(place, same, 0, 1.0, "same bytes"))
        elif alike:
            closeness, distance, example = min(alike, key=lambda pair: (pair[0], pair[1], pair[2].file))
            found.append(Neighbour(place, example, distance, round(-closeness, 4), "alike"))
        elif linked:
            example = min(linked, key=lambda other: (_bits(fact.signature, other), other.file))
            other = signature_of(example)
            closeness = 0.0 if other is None else correlation(fact.signature, other)
            found.append(Neighbour(place, example, _bits(fact.signature, example), round(closeness, 4), "same group"))
    return found


def _distances(facts: Sequence[PictureFacts | None], training: Sequence[Example]) -> list[list[tuple[int, int]]]:
    """Return, for each picture, (distance, index) of the training pictures within MAX_HASH_DISTANCE, nearest first."""
    hashes = np.array([int(example.perceptual_hash, 16) for example in training], dtype=np.uint64)
    found: list[list[tuple[int, int]]] = []
    for start in range(0, len(facts), ROWS_PER_BLOCK):
        block = facts[start : start + ROWS_PER_BLOCK]
        bits = np.minimum(
            *(
                np.bitwise_count(_hashes(block, which)[:, None] ^ hashes[None, :])
                for which in ("perceptual_hash", "mirrored_hash")
            )
        )
        for row, fact in zip(bits, block, strict=True):
            near = [] if fact is None else np.flatnonzero(row <= MAX_HASH_DISTANCE).tolist()
            found.append(sorted((int(row[index]), index) for index in near)[:MOST_CANDIDATES])
    return found


def _hashes(facts: Sequence[PictureFacts | None], which: str) -> NDArray[np.uint64]:
    return np.array([0 if one is None else int(getattr(one.signature, which), 16) for one in facts], dtype=np.uint64)


def _bits(signature: Signature, example: Example) -> int:
    other = int(example.perceptual_hash, 16)
    return min((int(one, 16) ^ other).bit_count() for one in (signature.perceptual_hash, signature.mirrored_hash))
