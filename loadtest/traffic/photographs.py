"""Photographs of any size, made of those that ship in scikit-image by crops, flips, shifted colours and grain."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

SOURCES = (
    "astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg",
    "motorcycle_left.png", "camera.png", "hubble_deep_field.jpg", "coins.png",
)  # fmt: skip
"""Ordinary photos of 0.1 to 0.9 megapixels; every one is in the wheel, so nothing is fetched."""

BAND_ROWS = 128  # developed at a time: twelve megapixels of float64 would be 288 MB

Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Look:
    """What is done to a source.

    `smallest_crop` is a share of the largest that fits; `tint` the greatest change of a colour channel, as a share.
    `grain` is the standard deviation of the noise, of 255: enlarged crops have lost a camera's own, and with it most
    of a photo's bytes.
    """

    smallest_crop: float
    grain: float
    tint: float = 0.1


@cache
def original(name: str) -> Image.Image:
    """Return one of SOURCES in RGB; it is shared, so it must not be changed."""
    import skimage.data  # noqa: PLC0415 - a tool of development, not needed with a folder of one's own

    with Image.open(Path(skimage.data.__file__).parent / name) as image:
        return image.convert("RGB")


def variation(photo: Image.Image, size: tuple[int, int], look: Look, random: Random) -> Image.Image:
    """Return a random part of a photo at `size` (width, height in px), unlike any other."""
    aspect = size[0] / size[1]
    width = min(photo.width, photo.height * aspect) * random.uniform(look.smallest_crop, 1)
    height = width / aspect
    left, top = random.uniform(0, photo.width - width), random.uniform(0, photo.height - height)
    part = photo.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + width, top + height))
    if random.random() < 0.5:
        part = ImageOps.mirror(part)
    return _developed(part, random.uniform(1 - look.tint, 1 + look.tint, 3), look.grain, random)


def _developed(part: Image.Image, gains: npt.NDArray[np.float64], grain: float, random: Random) -> Image.Image:
    levels = np.array(part)
    for top in range(0, part.height, BAND_ROWS):
        band = levels[top : top + BAND_ROWS] * gains
        band += random.normal(0, grain, band.shape[:2])[..., None]
        levels[top : top + BAND_ROWS] = band.clip(0, 255)
    return Image.fromarray(levels)
