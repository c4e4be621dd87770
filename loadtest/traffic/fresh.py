"""New bytes for the same pixels: a file with a part that no decoder looks at and no other request ever had."""

import itertools
import os
import struct
import zlib
from collections.abc import Iterator

from traffic.call import Picture

START_OF_IMAGE, COMMENT = b"\xff\xd8", b"\xff\xfe"
PNG_SIGNATURE, PNG_HEADER_END = b"\x89PNG\r\n\x1a\n", 33  # the signature and the header chunk, which must be first
PNG_CHUNK = b"frSh"  # by its letters' cases: ancillary, private, may be copied by whoever doesn't know it
RIFF, WEBP, WEBP_CHUNK = b"RIFF", b"WEBP", b"FRSH"
SERIAL_BYTES = 16


class Fresh:
    """Gives files that no cache has seen: each call adds a serial number that is never used twice.

    It costs a copy of the file and a few microseconds. Safe from several threads.
    """

    def __init__(self) -> None:
        """Start a series that no other process repeats."""
        self._series = os.urandom(SERIAL_BYTES - 8)
        self._numbers: Iterator[int] = itertools.count()

    def payload_of(self, picture: Picture) -> bytes:
        """Return a good picture's file with a new serial number, a bad file as it is."""
        return picture.payload if picture.error is not None else self.bytes_of(picture.payload)

    def bytes_of(self, payload: bytes) -> bytes:
        """Return a JPEG, PNG or WebP with a new serial number. Raises ValueError for any other file."""
        serial = self._series + struct.pack(">Q", next(self._numbers))
        if payload.startswith(START_OF_IMAGE):
            return _with_comment(payload, serial)
        if payload.startswith(PNG_SIGNATURE):
            return _with_png_chunk(payload, serial)
        if payload.startswith(RIFF) and payload[8:12] == WEBP:
            return _with_riff_chunk(payload, serial)
        raise ValueError(f"neither a JPEG nor a PNG nor a WebP: it begins with {payload[:12]!r}")


def _with_comment(jpeg: bytes, serial: bytes) -> bytes:
    length = struct.pack(">H", 2 + len(serial))
    return b"".join((START_OF_IMAGE, COMMENT, length, serial, memoryview(jpeg)[2:]))


def _with_png_chunk(png: bytes, serial: bytes) -> bytes:
    content, view = PNG_CHUNK + serial, memoryview(png)
    chunk = struct.pack(">I", len(serial)) + content + struct.pack(">I", zlib.crc32(content))
    return b"".join((view[:PNG_HEADER_END], chunk, view[PNG_HEADER_END:]))


def _with_riff_chunk(webp: bytes, serial: bytes) -> bytes:
    """Put a chunk behind the last: unknown ones are allowed there, and in the simple form come after the image."""
    (size,) = struct.unpack_from("<I", webp, 4)
    view, end = memoryview(webp), 8 + size
    chunk = WEBP_CHUNK + struct.pack("<I", len(serial)) + serial
    return b"".join((RIFF, struct.pack("<I", size + len(chunk)), view[8:end], chunk, view[end:]))
