"""Small files that cost a naive reader minutes or gigabytes. Each says what it attacks."""

import struct
import zlib
from collections.abc import Callable, Iterable

from PIL import Image

import pictures

MEGABYTE = 2**20


def jpeg_of_many_exif_segments(segments: int = 200_000, content: int = 12) -> bytes:
    """Pillow joins EXIF segments one by one: quadratic time."""
    plain = pictures.encode(pictures.picture(1), "JPEG")
    return (
        plain[:2] + (b"\xff\xe1" + struct.pack(">H", 8 + content) + b"Exif\0\0" + b"x" * content) * segments + plain[2:]
    )


def jpeg_of_few_large_exif_segments() -> bytes:
    """As many EXIF segments as a picture may have parts: the first is all that is read."""
    return jpeg_of_many_exif_segments(400, 60_000)


def jpeg_of_many_scans(scans: int = 1_000) -> bytes:
    """Every scan of a progressive JPEG is a pass over the whole picture: 16 ms each here, for 40 bytes."""
    whole = pictures.encode(Image.new("RGB", (4_000, 4_000), (90, 20, 30)), "JPEG", progressive=True)
    table = whole.rfind(b"\xff\xc4", 0, whole.rfind(b"\xff\xda"))
    return whole[:-2] + whole[table:-2] * scans + b"\xff\xd9"


def png_of_compressed_text() -> bytes:
    """200 text chunks that inflate to 10 MB each."""
    text = pictures.png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(10 * MEGABYTE), 9))
    return pictures.png((8, 8), 8, 0, bytes(9) * 8, *[text] * 200)


def png_with_inflating_profile() -> bytes:
    """A colour profile of 256 MB in 256 kB."""
    squeezer = zlib.compressobj(9)
    squeezed = b"".join(squeezer.compress(bytes(MEGABYTE)) for _ in range(256)) + squeezer.flush()
    return pictures.png((8, 8), 8, 0, bytes(9) * 8, pictures.png_chunk(b"iCCP", b"p\0\0" + squeezed))


def png_of_empty_chunks() -> bytes:
    """A million chunks of pixels that hold none."""
    return pictures.png((8, 8), 8, 0, bytes(9) * 8, pictures.png_chunk(b"IDAT", b"") * 1_000_000)


def png_of_claimed_frames() -> bytes:
    """An animation of a billion frames, by its header."""
    return pictures.png((8, 8), 8, 0, bytes(9) * 8, pictures.png_chunk(b"acTL", struct.pack(">II", 10**9, 0)))


def gif_of_comments() -> bytes:
    """Four million blocks of one byte each."""
    plain = pictures.gif()
    start = 13 + (3 << (plain[10] & 7) + 1)
    return plain[:start] + b"!\xfe" + b"\x01a" * (4 * MEGABYTE) + b"\0" + plain[start:]


def gif_of_tiny_frames(frames: int = 300_000) -> bytes:
    """Frames of one pixel: few pixels, many frames."""
    frame = b",\0\0\0\0\1\0\1\0\0\x02\x02\x44\x01\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def gif_that_grows() -> bytes:
    """One pixel by its header; a later frame makes it four gigapixels."""
    far = b"," + struct.pack("<4H", 65_000, 65_000, 1, 1) + b"\0\x02\x02\x44\x01\0"
    return gif_of_tiny_frames(1)[:-1] + far + b";"


def tiff(pages: Iterable[list[tuple[int, int, int, int]]], data: bytes = b"") -> bytes:
    """Return a TIFF of these pages' (tag, type, count, value or offset); `data` begins at offset 8."""
    whole = bytearray(b"II*\0" + struct.pack("<L", 8 + len(data)) + data)
    for entries in pages:
        directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHLL", *entry) for entry in entries)
        whole += directory + struct.pack("<L", len(whole) + len(directory) + 4)
    whole[-4:] = bytes(4)
    return bytes(whole)


def grey_page(*more: tuple[int, int, int, int], width: int = 16, height: int = 16) -> list[tuple[int, int, int, int]]:
    """Return the tags of an uncompressed grey page whose pixels begin at offset 8, changed or joined by others."""
    size = width * height
    tags = {256: (3, 1, width), 257: (3, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 8),
            277: (3, 1, 1), 278: (3, 1, height), 279: (4, 1, size)}  # fmt: skip
    tags |= {number: rest for number, *rest in more}
    return sorted((number, *rest) for number, rest in tags.items())


def tiff_of_many_strips() -> bytes:
    """A million strips of a small page: Pillow makes an object of each."""
    return tiff([grey_page((273, 4, 1_000_000, 8), (278, 3, 1, 1))], bytes(4 * MEGABYTE))


def tiff_of_many_pages() -> bytes:
    """Pages to be counted, each of which Pillow reads whole and compares with all before."""
    return tiff([grey_page()] * 20_000, bytes(256))


def tiff_of_many_tags() -> bytes:
    """65,535 tags, all of them the same 4 MB."""
    return tiff([[(number, 7, 4 * MEGABYTE, 8) for number in range(65_535)]], bytes(4 * MEGABYTE))


def tiff_of_fractions() -> bytes:
    """EXIF of half a million fractions, each a Python object."""
    exif = struct.pack("<HHHLLL", 1, 0x9000, 5, 500_000, 300, 0).ljust(292, b"\0")
    return tiff([grey_page((34665, 4, 1, 264))], bytes(256) + exif + bytes(8 * 500_000))


def tiff_of_one_huge_tile() -> bytes:
    """A tile of 3.6 gigapixels around a page of 16 x 16."""
    more = (322, 3, 1, 60_000), (323, 3, 1, 60_000), (324, 4, 1, 8), (325, 4, 1, 256), (259, 3, 1, 8)
    return tiff([grey_page(*more)], zlib.compress(bytes(MEGABYTE)))


def bmp_of_runs(side: int = 3_000) -> bytes:
    """Run-length encoding, which Pillow undoes in Python."""
    body = b"\x01\x05\0\0" * side
    header = struct.pack("<LllHHLLllLL", 40, side, side, 1, 8, 1, len(body), 0, 0, 256, 0)
    start = 14 + len(header) + 1024
    return b"BM" + struct.pack("<LHHL", start + len(body), 0, 0, start) + header + bytes(range(256)) * 4 + body


def program_profile(steps: int = 100_000) -> bytes:
    """An ICC profile that is a chain of matrices, all stored once: LittleCMS computes every one for 35,937 colours."""
    matrix = b"matf\0\0\0\0" + struct.pack(">HH12f", 3, 3, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
    chain = struct.pack(">II", 16 + 8 * steps, len(matrix)) * steps
    tag = b"mpet\0\0\0\0" + struct.pack(">HHI", 3, 3, steps) + chain + matrix
    body = struct.pack(">I4sII", 1, b"D2B0", 144, len(tag)) + tag
    head = struct.pack(">I4sI12s12s4s", 128 + len(body), b"lcms", 0x04300000, b"mntrRGB XYZ ", bytes(12), b"acsp")
    return (head + bytes(28) + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)).ljust(128, b"\0") + body


def jpeg_with_a_program() -> bytes:
    """A photo whose colour profile takes longer to prepare than a thousand photos to decode."""
    return pictures.encode(pictures.picture(1), "JPEG", icc_profile=program_profile())


BOMBS: dict[Callable[[], bytes], str] = {
    jpeg_of_many_exif_segments: "image_too_large",
    jpeg_of_few_large_exif_segments: "image",
    jpeg_of_many_scans: "image_too_large",
    jpeg_with_a_program: "image",
    png_of_compressed_text: "image",
    png_with_inflating_profile: "image",
    png_of_empty_chunks: "image_too_large",
    png_of_claimed_frames: "image_too_large",
    gif_of_comments: "image_too_large",
    gif_of_tiny_frames: "image_too_large",
    gif_that_grows: "image_too_large",
    tiff_of_many_strips: "image_too_large",
    tiff_of_many_pages: "image_too_large",
    tiff_of_many_tags: "image_too_large",
    tiff_of_fractions: "image",
    tiff_of_one_huge_tile: "image_too_large",
    bmp_of_runs: "image_too_large",
}
"""What must come of each: still an image, or the code of an error."""
