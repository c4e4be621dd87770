"""Pictures for tests: ordinary photos that ship in scikit-image's wheel, and generated ones in every odd format."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


def photo(name: str) -> Image.Image:
    """Return one of PHOTOS in RGB."""
    with Image.open(Path(skimage.data.__file__).parent / name) as image:
        return image.convert("RGB")


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return an image's bytes in one of Pillow's formats."""
    buffer = BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def picture(seed: int, width: int = 64, height: int = 48) -> Image.Image:
    """Return a generated RGB picture, different for each seed."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), tuple(random.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        draw.rectangle((x, y, x + width // 3, y + height // 3), fill=tuple(random.integers(0, 256, 3).tolist()))
    return image


def truncated_jpeg() -> bytes:
    """Return a photo's JPEG without its second half."""
    whole = encode(photo("chelsea.png"), "JPEG")
    return whole[: len(whole) // 2]


def huge_png(side: int = 30_000) -> bytes:
    """Return a few bytes that announce a PNG of side x side pixels and hold almost none of them."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def cmyk_jpeg() -> bytes:
    """Return a photo as a CMYK JPEG."""
    return encode(photo("coffee.png").convert("CMYK"), "JPEG", quality=95)


def deep_png() -> bytes:
    """Return a photo as a 16-bit greyscale PNG."""
    grey = np.asarray(photo("coffee.png").convert("L")).astype(np.uint16) * 257
    return encode(Image.fromarray(grey), "PNG")


def transparent_palette_png() -> bytes:
    """Return a palette PNG whose first colour is transparent."""
    image = photo("chelsea.png").quantize(64)
    return encode(image, "PNG", transparency=0)


def gif() -> bytes:
    """Return a photo as a GIF of one frame."""
    return encode(photo("chelsea.png"), "GIF")


def animated_gif(frames: int) -> bytes:
    """Return a GIF of generated frames, each different."""
    first, *others = [picture(seed) for seed in range(frames)]
    return encode(first, "GIF", save_all=True, append_images=others, duration=40, loop=0)
