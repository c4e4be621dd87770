"""The JPEGs that are sent: ordinary photos of 960x640 px, or those of a folder."""

from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

SIZE = (960, 640)
QUALITY = 90
SOURCES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
SMALLEST_CROP = 0.45  # of the largest 3:2 rectangle that fits
GRAIN = 4.0  # standard deviation of the noise, of 255: enlarged crops have lost a camera's own
START_OF_IMAGE = b"\xff\xd8"


def photos(count: int, seed: int = 0) -> list[bytes]:
    """Return `count` different JPEGs, made of scikit-image's photos by crops, flips, shifted colours and grain."""
    import skimage.data  # noqa: PLC0415 - a tool of development, not needed with a folder of one's own

    folder = Path(skimage.data.__file__).parent
    originals = [_read(folder / name) for name in SOURCES]
    random = np.random.default_rng(seed)
    return [_encode(_variation(originals[index % len(originals)], random)) for index in range(count)]


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


def _read(file: Path) -> Image.Image:
    with Image.open(file) as image:
        return image.convert("RGB")


def _variation(photo: Image.Image, random: np.random.Generator) -> Image.Image:
    """Return a random 3:2 part of a photo at SIZE."""
    width = min(photo.width, photo.height * SIZE[0] / SIZE[1]) * random.uniform(SMALLEST_CROP, 1)
    height = width * SIZE[1] / SIZE[0]
    left, top = random.uniform(0, photo.width - width), random.uniform(0, photo.height - height)
    part = photo.resize(SIZE, Image.Resampling.LANCZOS, box=(left, top, left + width, top + height))
    if random.random() < 0.5:
        part = ImageOps.mirror(part)
    gains = random.uniform(0.8, 1.2, 3)
    pixels: npt.NDArray[np.float64] = np.asarray(part, dtype=np.float64) * gains
    pixels += random.normal(0, GRAIN, pixels.shape[:2])[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _encode(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
