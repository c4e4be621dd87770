"""TIFF (6.0 and BigTIFF): pages and the tags that make pixels; every other tag is made unreadable."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from trust_nsfw.errors import CorruptImage, ImageTooLarge

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
MAX_PAGES = 1_000
MAX_TAGS = 50_000
"""Of all pages together; a page has about 20."""
MAX_VALUES = 50_000
"""Of one tag: a strip for each row of a picture 16,384 rows high, in three planes."""
MAX_TILE_PIXELS = 2**24

TILE_WIDTH, TILE_LENGTH, JPEG_TABLES, ICC_PROFILE = 322, 323, 347, 34675
PIXELS = {
    254, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 292, 293, 317, 320, TILE_WIDTH, TILE_LENGTH, 324,
    325, 332, 338, 339, JPEG_TABLES, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, ICC_PROFILE,
}  # fmt: skip
"""Geometry, orientation, compression, strips, tiles, samples, palette and colour. Not EXIF, GPS, XMP or previews."""

UNREADABLE = 0
"""A field type that no reader knows, so that it skips the tag."""
INTEGERS = {3: "H", 4: "L", 16: "Q"}


class Tag(NamedTuple):
    """One entry of a page's directory; `value` where it is a single integer, else meaningless."""

    page: int
    position: int
    number: int
    kind: int
    values: int
    value: int


def lean(payload: bytes) -> tuple[bytes, int]:
    """Return the file with only the tags of PIXELS readable, and its number of pages.

    Raises ImageTooLarge; CorruptImage when directories lie within each other, so that hiding one's tag changes another.
    """
    body = bytearray(payload)
    if _hide_metadata(body) and _hide_metadata(body):
        raise CorruptImage("directories of the TIFF file overlap")
    return bytes(body), max((tag.page for tag in _tags(body)), default=1)


def _hide_metadata(body: bytearray) -> bool:
    """Make every other tag unreadable; tell whether that changed anything."""
    tags = list(_tags(body))
    tile_pixels = dict.fromkeys((tag.page for tag in tags), 1)
    for tag in tags:
        if tag.number in (TILE_WIDTH, TILE_LENGTH):
            tile_pixels[tag.page] *= tag.value
        if tag.number in PIXELS and tag.values > MAX_VALUES and tag.number not in (JPEG_TABLES, ICC_PROFILE):
            raise ImageTooLarge(f"{tag.values:,} values in TIFF tag {tag.number}; the limit is {MAX_VALUES:,}")
    if (largest := max(tile_pixels.values(), default=0)) > MAX_TILE_PIXELS:
        raise ImageTooLarge(f"{largest:,} pixels in a TIFF tile; the limit is {MAX_TILE_PIXELS:,}")
    metadata = [tag for tag in tags if tag.number not in PIXELS and tag.kind != UNREADABLE]
    for tag in metadata:
        body[tag.position + 2 : tag.position + 4] = bytes(2)
    return bool(metadata)


def _tags(body: bytearray) -> Iterator[Tag]:
    """Walk through all pages' directories, counted from 1, until one is met again or the file ends."""
    order = "<" if body[:2] == b"II" else ">"
    is_big = bytes(body[2:4]) in (b"+\0", b"\0+")
    offset, tag_count, entry, entry_bytes = ("Q", "Q", "HHQ", 20) if is_big else ("L", "H", "HHL", 12)
    value_at = struct.calcsize(order + entry)

    def integer(kind: str, position: int) -> int:
        return int(struct.unpack_from(order + kind, body, position)[0])

    seen: set[int] = set()
    total = 0
    try:
        directory = integer(offset, 8 if is_big else 4)
        while directory and directory not in seen:
            seen.add(directory)
            if len(seen) > MAX_PAGES:
                raise ImageTooLarge(f"more than {MAX_PAGES:,} pages in the TIFF file")
            count = integer(tag_count, directory)
            total += count
            if total > MAX_TAGS:
                raise ImageTooLarge(f"{total:,} tags in the TIFF file; the limit is {MAX_TAGS:,}")
            first = directory + struct.calcsize(order + tag_count)
            end = first + count * entry_bytes
            for position in range(first, end, entry_bytes):
                number, kind, values = struct.unpack_from(order + entry, body, position)
                value = integer(INTEGERS.get(kind, "B"), position + value_at)
                yield Tag(len(seen), position, number, kind, values, value)
            directory = integer(offset, end)
    except (struct.error, OverflowError):  # the file ends within a directory: its decoder will say so
        return
