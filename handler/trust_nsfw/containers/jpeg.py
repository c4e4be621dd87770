"""JPEG (ITU-T T.81): the first picture of a file, without comments, previews and XMP; how many scans it has."""

import re

from trust_nsfw.errors import ImageTooLarge

MAX_SEGMENTS = 10_000
MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""A marker's code; not the stuffed zeros and restart markers within entropy-coded data. Without the bytes
0xFF that may fill up before it (see `_start`), `re` searches fifteen times faster.
"""

START_OF_IMAGE, END_OF_IMAGE, START_OF_SCAN, COMMENT, TEMPORARY = 0xD8, 0xD9, 0xDA, 0xFE, 0x01
APPLICATION = range(0xE0, 0xF0)
DECODED = {0xE0: b"JFIF", 0xE1: b"Exif\0\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
"""What of the application segments decides orientation and colour. The multi-picture index (MPF) does not."""


def lean(payload: bytes) -> tuple[bytes, int]:
    """Return the file up to its first end of image, without metadata, and its number of scans.

    Of EXIF only the first segment stays: Pillow joins them, in quadratic time. Raises ImageTooLarge.
    """
    kept: list[bytes] = []
    copied = position = segments = scans = 0
    has_exif = False
    while marker := MARKER.search(payload, position):
        code = marker[1][0]
        if code == END_OF_IMAGE:
            return b"".join((*kept, payload[copied : marker.end()])), scans
        if code in (START_OF_IMAGE, TEMPORARY):
            position = marker.end()
            continue
        searched = position
        segments += 1
        if segments > MAX_SEGMENTS:
            raise ImageTooLarge(f"more than {MAX_SEGMENTS:,} segments in the JPEG file")
        content = marker.end() + 2
        position = marker.end() + max(2, int.from_bytes(payload[marker.end() : content], "big"))
        scans += code == START_OF_SCAN
        if code != COMMENT and code not in APPLICATION:
            continue
        wanted = code in DECODED and payload.startswith(DECODED[code], content)
        is_exif = wanted and code == 0xE1
        if not wanted or (is_exif and has_exif):
            kept.append(payload[copied : _start(payload, marker, searched)])
            copied = position
        has_exif |= is_exif
    return b"".join((*kept, payload[copied:])), scans


def _start(payload: bytes, marker: re.Match[bytes], searched: int) -> int:
    """Return where the bytes that fill up before a marker begin, at or after the position of its search."""
    return searched + len(payload[searched : marker.start()].rstrip(b"\xff"))
