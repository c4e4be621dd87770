"""Files that must be refused, each with the stable code of the error that it must get, raw as well as within JSON.

What TorchServe would answer before our handler sees it (too long a body, a form that it cannot read) is not among them.
"""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image

from traffic.drawings import scene
from traffic.photographs import Look, original, variation
from traffic.rendering import File

JPEG, PNG, GIF, WEBP = "image/jpeg", "image/png", "image/gif", "image/webp"
SIZE = (800, 600)
LOOK = Look(smallest_crop=0.6, grain=4.0)
BOMB_SIDE = 30_000  # 900 megapixels of nothing: 2.7 GB for whoever believes it
NOISE_BYTES = 20_000
HTML = b"<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><circle cx="32" cy="32" r="30"/></svg>\n'


def bad_files(seed: int) -> list[File]:
    """Return one file of each kind, the same for the same seed."""
    random = np.random.default_rng((seed, 2**32))  # a mix's pictures take the seeds below
    photo = variation(original("chelsea.png"), SIZE, LOOK, random)
    drawing = scene(SIZE, random)
    jpeg, png = _encoded(photo, "JPEG", quality=85), _encoded(drawing, "PNG")
    gif, webp = _encoded(drawing, "GIF"), _encoded(photo, "WEBP", quality=80, method=2)
    files = [
        ("cut.jpg", jpeg[: len(jpeg) // 2], JPEG, "corrupt_image"),
        ("cut.png", png[: len(png) // 2], PNG, "corrupt_image"),
        ("cut.gif", gif[: len(gif) // 2], GIF, "corrupt_image"),
        ("cut.webp", webp[: len(webp) // 2], WEBP, "corrupt_image"),
        ("broken-chunk.png", _with_broken_pixels(png), PNG, "corrupt_image"),
        ("header-only.jpg", jpeg[:300], JPEG, "corrupt_image"),
        ("bomb.png", _bomb(), PNG, "image_too_large"),
        ("empty.jpg", b"", JPEG, "empty_image"),
        ("noise.jpg", b"\x00" + random.bytes(NOISE_BYTES), JPEG, "unsupported_format"),
        ("page.jpg", HTML, JPEG, "unsupported_format"),
        ("drawing.svg", SVG, "image/svg+xml", "unsupported_format"),
        ("link.jpg", b"https://example.com/picture.jpg", JPEG, "url_not_allowed"),
    ]
    return [File(f"bad-{name}", payload, media, 0, 0, error) for name, payload, media, error in files]


def _with_broken_pixels(png: bytes) -> bytes:
    """Change a byte in the middle of the pixels, so that their check sum is wrong."""
    middle = len(png) // 2
    return png[:middle] + bytes([png[middle] ^ 0xFF]) + png[middle + 1 :]


def _bomb() -> bytes:
    """Return a few bytes that announce a PNG of BOMB_SIDE x BOMB_SIDE px."""
    header = struct.pack(">IIBBBBB", BOMB_SIDE, BOMB_SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1_000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


def _encoded(image: Image.Image, kind: str, **options: int) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
