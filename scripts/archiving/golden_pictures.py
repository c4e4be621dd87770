"""Generated pictures, of which the first are recorded in an archive with their scores, to be replayed where it loads.

Flat shapes, gradients, stripes and coloured blocks at several sizes and aspect ratios, so that decoding, resizing and
the model all take part. They are drawn once, when an archive is built, and travel in it as bytes: PNG, and JPEG where
they are so large that the service decodes a JPEG small.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

SEED = 20_240_613
JPEG_PIXELS = 1_000_000
SIZES_PX = ((224, 224), (320, 240), (1280, 960), (480, 360), (96, 96), (640, 200), (256, 256), (300, 400))


def golden_pictures() -> list[bytes]:
    """Return encoded pictures, the same on every call: one picture for each entry of SIZES_PX."""
    return generated_pictures(len(SIZES_PX), SEED)


def generated_pictures(count: int, seed: int) -> list[bytes]:
    """Return `count` encoded pictures, the same for the same seed, their sizes those of SIZES_PX in turn."""
    random = np.random.default_rng(seed)
    painters = (_shapes, _gradient, _stripes, _blocks)
    return [
        _encoded(painters[index % len(painters)](random, *SIZES_PX[index % len(SIZES_PX)])) for index in range(count)
    ]


def _shapes(random: np.random.Generator, width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width, height), _colour(random))
    draw = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        box = (x, y, x + int(random.integers(10, width // 2)), y + int(random.integers(10, height // 2)))
        (draw.ellipse if random.random() < 0.5 else draw.rectangle)(box, fill=_colour(random), outline=_colour(random))
    return image


def _gradient(random: np.random.Generator, width: int, height: int) -> Image.Image:
    corners = random.integers(0, 256, (2, 2, 3)).astype(np.uint8)
    return Image.fromarray(corners).resize((width, height), Image.Resampling.BILINEAR)


def _stripes(random: np.random.Generator, width: int, height: int) -> Image.Image:
    colours = random.integers(0, 256, (1, 24, 3)).astype(np.uint8)
    return Image.fromarray(colours).resize((width, height), Image.Resampling.NEAREST)


def _blocks(random: np.random.Generator, width: int, height: int) -> Image.Image:
    blocks = random.integers(0, 256, (height // 8, width // 8, 3)).astype(np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.NEAREST)


def _colour(random: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue


def _encoded(image: Image.Image) -> bytes:
    buffer = BytesIO()
    if image.width * image.height < JPEG_PIXELS:
        image.save(buffer, format="PNG", optimize=True)
    else:
        image.save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()
