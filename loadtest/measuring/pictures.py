"""The JPEGs that are sent: ordinary photos of 960x640 px, or those of a folder."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from traffic.fresh import START_OF_IMAGE
from traffic.photographs import Look, original, variation

SIZE = (960, 640)
QUALITY = 90
SOURCES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
LOOK = Look(smallest_crop=0.45, grain=4.0, tint=0.2)


def photos(count: int, seed: int = 0) -> list[bytes]:
    """Return `count` different JPEGs, made of scikit-image's photos by crops, flips, shifted colours and grain."""
    random = np.random.default_rng(seed)
    return [_encode(variation(original(SOURCES[index % len(SOURCES)]), SIZE, LOOK, random)) for index in range(count)]


def jpegs_of(folder: Path) -> list[bytes]:
    """Return the JPEG files of a folder in the order of their names. Raises ValueError when there is none."""
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in {".jpg", ".jpeg"})
    payloads = [file.read_bytes() for file in files]
    if not payloads:
        raise ValueError(f"{folder} holds no .jpg or .jpeg file")
    for file, payload in zip(files, payloads, strict=True):
        if not payload.startswith(START_OF_IMAGE):
            raise ValueError(f"{file} is not a JPEG")
    return payloads


def _encode(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
