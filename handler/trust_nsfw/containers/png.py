"""PNG (third edition, with APNG): the chunks that make pixels, an orientation and a sound colour profile."""

import struct
import zlib

from trust_nsfw.errors import ImageTooLarge

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 250_000
MAX_PROFILE_BYTES = 2**20
"""Decompressed; Pillow refuses a file whose profile or text is longer."""

PIXELS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"acTL", b"fcTL", b"fdAT"}


def lean(payload: bytes) -> bytes:
    """Return the file without text and other ancillary chunks, and without what follows its end.

    EXIF moves to the front, where it is known before the pixels are; it and the profile get fresh check sums, since
    their damage does not concern the pixels. Raises ImageTooLarge.
    """
    pixels: list[bytes] = []
    extras: dict[bytes, bytes] = {}
    position, chunks = len(SIGNATURE), 0
    while len(payload) - position >= 12:
        chunks += 1
        if chunks > MAX_CHUNKS:
            raise ImageTooLarge(f"more than {MAX_CHUNKS:,} chunks in the PNG file")
        length, kind = struct.unpack_from(">I4s", payload, position)
        end = position + length + 12
        if kind == b"IEND" or end > len(payload):
            break
        if kind == b"tRNS" and pixels:
            pixels.append(_chunk(kind, _as_decoded(payload[position + 8 : end - 4], *pixels[0][16:18])))
        elif kind in PIXELS:
            pixels.append(payload[position:end])
        elif kind == b"eXIf" or (kind == b"iCCP" and _is_sound(payload[position + 8 : end - 4])):
            extras.setdefault(kind, payload[position + 8 : end - 4])
        position = end
    header = [_chunk(kind, content) for kind, content in extras.items()]
    return b"".join((SIGNATURE, *pixels[:1], *header, *pixels[1:], payload[position : position + 12]))


def _as_decoded(colour: bytes, bits: int, colour_type: int) -> bytes:
    """Rescale a transparent colour as Pillow does the pixels: greys of 2 and 4 bits to 8, 16-bit colours to 8."""
    samples = [int.from_bytes(colour[start : start + 2], "big") for start in range(0, len(colour), 2)]
    match colour_type, bits:
        case 0, 2 | 4:
            samples = [sample * 255 // (2**bits - 1) for sample in samples]
        case 2, 16:
            samples = [sample >> 8 for sample in samples]
        case _:
            return colour
    return b"".join((sample & 0xFFFF).to_bytes(2, "big") for sample in samples)


def _is_sound(profile_chunk: bytes) -> bool:
    """Tell whether a profile of acceptable length is compressed in the chunk: name, 0, method 0, zlib data."""
    _, _, compressed = profile_chunk.partition(b"\0")
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(compressed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return False
    return compressed[:1] == b"\0" and not inflater.unconsumed_tail


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
