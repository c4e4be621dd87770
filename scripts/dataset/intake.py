"""Every image of a source, read and verified once: what is kept, what is there twice, what is set aside."""

import hashlib
from dataclasses import dataclass, field
from functools import partial

from tqdm import tqdm

from dataset.source_image import Source, SourceImage, Unreadable
from dataset.store import ImageStore
from dataset.verification import Refused, Verified, verify
from dataset.verified_cache import VerifiedCache
from trust_nsfw.cli.in_order import in_order
from trust_nsfw.decode_pool import usable_cores

MIN_THREADS = 4
"""Reading waits for the disk, so a few threads pay even on one core."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An image of the data set: its path in the store, its name in the source, its bytes' number and digest."""

    file: str
    name: str
    label: str
    sha256: str
    size_bytes: int
    image: Verified


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An image whose very bytes came before, as `kept`."""

    name: str
    label: str
    kept: Kept


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An image that can't be read or decoded, and why."""

    name: str
    label: str
    code: str
    message: str


@dataclass(slots=True)
class Intake:
    """What became of a source's images, each list in the source's order.

    `sequence` holds a digest for every image that decodes, duplicates too.
    """

    kept: list[Kept] = field(default_factory=list)
    duplicates: list[Duplicate] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    sequence: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Seen:
    sha256: str
    size_bytes: int
    result: Verified | Refused


def take_in(source: Source, store: ImageStore, cache: VerifiedCache) -> Intake:
    """Read, verify and store all images in parallel. A bad image never stops the others."""
    intake, by_digest = Intake(), dict[str, Kept]()
    work = partial(_take_one, store, cache)
    results = in_order(work, source, max(MIN_THREADS, usable_cores()))
    for image, seen in tqdm(results, "Verifying", total=len(source), unit="image", disable=None):
        if isinstance(seen, Unreadable):
            intake.quarantined.append(Quarantined(image.name, image.label, seen.code, seen.message))
            continue
        cache.add(seen.sha256, seen.result)
        if isinstance(seen.result, Refused):
            refused = seen.result
            intake.quarantined.append(Quarantined(image.name, image.label, refused.code, refused.message))
            continue
        intake.sequence.append(seen.sha256)
        if (first := by_digest.get(seen.sha256)) is not None:
            intake.duplicates.append(Duplicate(image.name, image.label, first))
            continue
        file = store.name_of(seen.sha256, seen.result.extension)
        kept = Kept(file, image.name, image.label, seen.sha256, seen.size_bytes, seen.result)
        by_digest[seen.sha256] = kept
        intake.kept.append(kept)
    return intake


def _take_one(store: ImageStore, cache: VerifiedCache, image: SourceImage) -> _Seen | Unreadable:
    try:
        payload = image.read()
    except Unreadable as error:
        return error
    sha256 = hashlib.sha256(payload).hexdigest()
    result = cache.get(sha256) or verify(payload)
    if isinstance(result, Verified):
        store.put(store.name_of(sha256, result.extension), payload, image.path)
    return _Seen(sha256, len(payload), result)
