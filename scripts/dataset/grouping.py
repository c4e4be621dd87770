"""Groups of near-duplicates among tens of thousands of pictures, all pairs compared, in seconds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from tqdm import tqdm

from dataset.signature import Signature

MAX_HASH_DISTANCE = 10
"""Of 64 bits, for a candidate. Of 500 generated pictures recompression, half the size, another aspect or grey tones
move at most 6 bits, and a third more brightness 6 in 95 of 100. Cropped by 2 % at each edge 88 of 100 are still found,
by 5 % only 28, and with a white banner over a corner 30: such copies may lie in two splits."""

MIN_CORRELATION = 0.9
"""Of the 16 x 16 thumbnails, for a confirmed pair; brightness and contrast don't change it. The hash alone is not
enough: among 18 million pairs of different generated pictures 2,829 pairs of line drawings or stripes are within 10
bits, for the hash of a picture with little in its lowest frequencies is mostly chance. With the thumbnails 2 remain."""

MIN_DEVIATION = 2.0
"""Standard deviation of a thumbnail, of 255, below which a picture is flat: what is left of it is noise, so flat
pictures are near-duplicates of nothing. Without this a white page would join all white pages."""

ROWS_PER_BLOCK = 256
MAX_SINGLE_PAIRS = 32_768
"""Candidates of a block of rows that are looked at one by one; of more, a product of matrices is quicker."""

MAX_PENDING_EDGES = 2_000_000


def group(signatures: Sequence[Signature]) -> NDArray[np.int64]:
    """Return the group of each picture, int64 [N], numbered from 0 by their first members.

    Near-duplicates of near-duplicates are in one group, however different the two ends of the chain.
    """
    count = len(signatures)
    hashes = np.array([int(one.perceptual_hash, 16) for one in signatures], dtype=np.uint64)
    mirrored = np.array([int(one.mirrored_hash, 16) for one in signatures], dtype=np.uint64)
    straight, flipped = _normalised(signatures)
    edges, pending = [np.empty((2, 0), np.int64)], 0
    for start in tqdm(range(0, count, ROWS_PER_BLOCK), "Grouping", unit="block", disable=None):
        rows = slice(start, start + ROWS_PER_BLOCK)
        for other_hashes, others in ((hashes, straight), (mirrored, flipped)):
            is_near = np.bitwise_count(hashes[rows, None] ^ other_hashes[None, start:]) <= MAX_HASH_DISTANCE
            edges.append(_confirmed(is_near, straight[rows], others[start:]) + start)
            pending += edges[-1].shape[1]
        if pending > MAX_PENDING_EDGES:
            edges = [_spanning(np.concatenate(edges, axis=1), count)]
            pending = edges[0].shape[1]
    return _by_first_member(_components(np.concatenate(edges, axis=1), count))


def correlation(one: Signature, other: Signature) -> float:
    """Return how alike two pictures are, from -1 to 1, the second or its mirror image; MIN_CORRELATION confirms a pair.

    A flat picture is like nothing: 0.
    """
    straight, flipped = _normalised([one, other])
    return float(max(straight[0] @ straight[1], straight[0] @ flipped[1]))


def _normalised(signatures: Sequence[Signature]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the thumbnails and their mirror images, float32 [N, 256] of mean 0 and length 1; a flat one is 0."""
    pixels = np.array([one.pixels for one in signatures], dtype=np.float32)
    flipped = pixels[:, :, ::-1]
    both = []
    for rows in (pixels.reshape(len(pixels), -1), flipped.reshape(len(pixels), -1)):
        centred = rows - rows.mean(axis=1, keepdims=True)
        deviation = centred.std(axis=1, keepdims=True)
        length = np.where(deviation < MIN_DEVIATION, np.inf, deviation * np.sqrt(rows.shape[1]))
        both.append((centred / length).astype(np.float32))
    return both[0], both[1]


def _confirmed(
    is_near: NDArray[np.bool_], block: NDArray[np.float32], others: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return the pairs, int64 [2, P], left < right, that are near and whose thumbnails correlate."""
    if np.count_nonzero(is_near) > MAX_SINGLE_PAIRS:
        left, right = np.nonzero(is_near & (block @ others.T >= MIN_CORRELATION))
    else:
        left, right = np.nonzero(is_near)
        correlates = np.einsum("ij,ij->i", block[left], others[right]) >= MIN_CORRELATION
        left, right = left[correlates], right[correlates]
    return np.stack([left, right])[:, left < right]


def _components(edges: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    graph = coo_array((np.ones(edges.shape[1], np.bool_), (edges[0], edges[1])), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _spanning(edges: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return as few edges as give the same groups: each member to its group's first."""
    _, first, groups = np.unique(_components(edges, count), return_index=True, return_inverse=True)
    members = np.arange(count)
    return np.stack([first[groups], members])[:, first[groups] != members]


def _by_first_member(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return np.asarray(rank[inverse], dtype=np.int64)
