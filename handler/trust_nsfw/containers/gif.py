"""GIF (89a): frames and their timing, without comments, texts and other applications' blocks; how many frames."""

import re
import struct

from trust_nsfw.errors import ImageTooLarge

MAX_BLOCKS = 500_000
"""Blocks of up to 255 bytes, each a step for whoever reads the file; 32 MiB of pixels take 132,000."""

HEADER_BYTES = 13
BLOCK = re.compile(rb"[,!;]")
GRAPHIC_CONTROL, APPLICATION = 0xF9, 0xFF
LOOP = b"\x0bNETSCAPE2.0"


def lean(payload: bytes) -> tuple[bytes, int]:
    """Return the file without metadata and its number of frames.

    The canvas in its header covers every frame, as the decoder would widen it. Raises ImageTooLarge.
    """
    if len(payload) < HEADER_BYTES:
        return payload, 1
    width, height = struct.unpack_from("<HH", payload, 6)
    start = position = HEADER_BYTES + _table_bytes(payload[10])
    kept = [payload[10:position]]
    frames = blocks = 0
    try:
        while (found := BLOCK.search(payload, position)) and found[0] != b";":
            start = found.start()
            blocks += 1
            if found[0] == b",":
                left, top, frame_width, frame_height, flags = struct.unpack_from("<4HB", payload, start + 1)
                width, height = max(width, left + frame_width), max(height, top + frame_height)
                position = start + 11 + _table_bytes(flags)
                frames += 1
                wanted = True
            else:
                position = start + 2
                label = payload[start + 1]
                wanted = label == GRAPHIC_CONTROL or (label == APPLICATION and payload.startswith(LOOP, position))
            while size := payload[position]:
                position += size + 1
                blocks += 1
                if blocks > MAX_BLOCKS:
                    raise ImageTooLarge(f"more than {MAX_BLOCKS:,} blocks in the GIF file")
            position += 1
            if wanted:
                kept.append(payload[start:position])
        kept.append(b";")
    except (IndexError, struct.error):  # the file ends within a block: its decoder will say so
        kept.append(payload[start:])
    canvas = struct.pack("<HH", min(width, 65_535), min(height, 65_535))
    return b"".join((payload[:6], canvas, *kept)), max(1, frames)


def _table_bytes(flags: int) -> int:
    """Return the length of the colour table that a flags byte announces."""
    return 3 << (flags & 7) + 1 if flags & 128 else 0
