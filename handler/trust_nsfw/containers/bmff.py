"""ISO base media files (ISO/IEC 14496-12): AVIF and HEIF by brand, without the link from pictures to EXIF and XMP."""

import re
import struct

from trust_nsfw.errors import ImageTooLarge

MAX_BOXES = 10_000
MAX_PROFILE_BYTES = 2**17
"""Readers copy a profile for each of up to 1,000 pictures that share it; RGB profiles are of 1 to 60 KiB."""

AVIF_BRANDS = {b"avif", b"avis"}
HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}
SHARED_BRANDS = {b"mif1", b"msf1"}
PROFILE = re.compile(rb"colr(?:prof|rICC)")


def format_of(payload: bytes) -> str | None:
    """Return AVIF, HEIF or None from the brands of the leading `ftyp` box."""
    length = int.from_bytes(payload[:4], "big")
    brands = {payload[start : start + 4] for start in (8, *range(16, min(length, 1024), 4))}
    if payload[4:8] != b"ftyp" or payload[8:12] not in AVIF_BRANDS | HEIF_BRANDS | SHARED_BRANDS:
        return None
    return "AVIF" if brands & AVIF_BRANDS else "HEIF"


def lean(payload: bytes) -> bytes:
    """Return the file with no item describing another (`cdsc`) and no oversized colour profile.

    Both formats turn and mirror pictures by properties of their own; EXIF has no say. Raises ImageTooLarge.
    """
    body = bytearray(payload)
    position = boxes = 0
    while len(body) - position >= 16:
        boxes += 1
        if boxes > MAX_BOXES:
            raise ImageTooLarge(f"more than {MAX_BOXES:,} boxes in the file")
        size, kind = struct.unpack_from(">I4s", body, position)
        if size == 1:
            (size,) = struct.unpack_from(">Q", body, position + 8)
        end = position + size if size else len(body)
        if kind in (b"meta", b"moov"):
            body[position:end] = _without_metadata(bytes(body[position:end]))
        position = max(end, position + 8)
    return bytes(body)


def _without_metadata(box: bytes) -> bytes:
    """Rename, in place, what readers would load beside the pixels."""
    renamed = bytearray(box.replace(b"cdsc", b"free"))
    for profile in PROFILE.finditer(box):
        start = profile.start()
        if int.from_bytes(box[start - 4 : start], "big") > MAX_PROFILE_BYTES:
            renamed[start : start + 4] = b"free"
    return bytes(renamed)
