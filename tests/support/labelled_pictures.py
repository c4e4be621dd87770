"""Five classes of harmless pictures, in class folders, that a small model can tell apart: no two are the same.

What stands in for each class: drawing: thin lines on white; hentai: flat shapes on a strong colour; neutral: parts of
photos; porn: stripes; sexy: parts of photos in sepia, upside down lest they be near-duplicates of neutral ones.
"""

import math
from functools import cache
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

from trust_nsfw.schema import LABELS

PHOTOS = ("astronaut.png", "chelsea.png", "coffee.png", "ihc.png", "motorcycle_left.png", "camera.png")
PHOTO_SIDE_PX = 420
PART_OF_SIDE = (0.25, 0.6)
"""How much of a photo's side a picture shows: so little that two parts are seldom near-duplicates."""


def write_labelled(folder: Path, count: int, seed: int, side_px: int = 64) -> Path:
    """Write `count` pictures into folder/LABEL/NUMBER.png or .jpg, the classes in turn; returns the folder."""
    for label in LABELS:
        (folder / label).mkdir(parents=True, exist_ok=True)
    for index in range(count):
        label = LABELS[index % len(LABELS)]
        image = labelled_picture(label, (seed, index), side_px)
        if index // len(LABELS) % 2:
            image.save(folder / label / f"{index:05}.jpg", quality=92)
        else:
            image.save(folder / label / f"{index:05}.png", compress_level=1)
    return folder


def labelled_picture(label: str, seed: int | tuple[int, ...], side_px: int = 64) -> Image.Image:
    """Return an RGB picture of that class, side_px x side_px, different for each seed."""
    random = np.random.default_rng(seed)
    match label:
        case "drawing":
            return _line_drawing(random, side_px)
        case "hentai":
            return _flat_shapes(random, side_px)
        case "neutral":
            return _part_of_photo(random, side_px)
        case "porn":
            return _stripes(random, side_px)
        case "sexy":
            return _sepia(_part_of_photo(random, side_px, upside_down=True))
        case _:
            raise ValueError(label)


def _line_drawing(random: np.random.Generator, side_px: int) -> Image.Image:
    image = Image.new("RGB", (side_px, side_px), _colour(random, 244, 256))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(5, 9))):
        points = [tuple(point) for point in random.uniform(0, side_px, (int(random.integers(2, 5)), 2)).tolist()]
        draw.line(points, fill=_colour(random, 0, 60), width=max(1, side_px // 48))
    left, top = random.uniform(0, side_px * 0.6, 2)
    reach = random.uniform(0.15, 0.4) * side_px
    draw.ellipse((left, top, left + reach, top + reach), outline=_colour(random, 0, 60), width=max(1, side_px // 48))
    return image


def _flat_shapes(random: np.random.Generator, side_px: int) -> Image.Image:
    image = Image.new("RGB", (side_px, side_px), _strong_colour(random))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(4, 8))):
        left, top = random.uniform(-0.1, 0.8, 2) * side_px
        width, height = random.uniform(0.2, 0.5, 2) * side_px
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((left, top, left + width, top + height), fill=_strong_colour(random))
    return image


def _stripes(random: np.random.Generator, side_px: int) -> Image.Image:
    row, column = np.mgrid[0:side_px, 0:side_px] / side_px
    angle, phase = random.uniform(0, math.pi), random.uniform(0, 2 * math.pi)
    along = math.cos(angle) * column + math.sin(angle) * row
    bend = random.uniform(0.02, 0.08) * np.sin(random.uniform(4, 12) * (row + random.uniform(-1, 1) * column))
    wave = 0.5 + 0.5 * np.sin(2 * math.pi * random.uniform(7, 13) * (along + bend) + phase)
    shade = 0.6 + 0.4 * np.sin(random.uniform(2, 6) * column + random.uniform(2, 6) * row + random.uniform(0, 6))
    dark, light = random.uniform(0, 90, 3), random.uniform(150, 255, 3)
    pixels = (dark + wave[..., None] * (light - dark)) * shade[..., None] + random.normal(0, 4, (side_px, side_px, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _part_of_photo(random: np.random.Generator, side_px: int, *, upside_down: bool = False) -> Image.Image:
    photo = _photos()[int(random.integers(len(PHOTOS)))]
    part_px = random.uniform(*PART_OF_SIDE) * PHOTO_SIDE_PX
    left, top = random.uniform(0, PHOTO_SIDE_PX - part_px, 2)
    image = photo.resize((side_px, side_px), Image.Resampling.BICUBIC, (left, top, left + part_px, top + part_px))
    if random.random() < 0.5:
        image = ImageOps.mirror(image)
    if upside_down:
        image = image.transpose(Image.Transpose.ROTATE_180)
    elif random.random() < 0.5:
        image = image.transpose(Image.Transpose.ROTATE_90)
    image = ImageEnhance.Brightness(image).enhance(random.uniform(0.75, 1.25))
    return ImageEnhance.Contrast(image).enhance(random.uniform(0.8, 1.2))


def _sepia(image: Image.Image) -> Image.Image:
    return ImageOps.colorize(ImageOps.autocontrast(image.convert("L")), (50, 20, 0), (255, 215, 150), (190, 105, 40))


@cache
def _photos() -> tuple[Image.Image, ...]:
    found = []
    for name in PHOTOS:
        with Image.open(Path(skimage.data.__file__).parent / name) as image:
            found.append(ImageOps.fit(image.convert("RGB"), (PHOTO_SIDE_PX, PHOTO_SIDE_PX)))
    return tuple(found)


def _colour(random: np.random.Generator, least: int, end: int) -> tuple[int, int, int]:
    red, green, blue = random.integers(least, end, 3).tolist()
    return red, green, blue


def _strong_colour(random: np.random.Generator) -> tuple[int, int, int]:
    """Return a colour of full saturation: one channel full, one empty, one anywhere."""
    channels = random.permutation([255, 0, int(random.integers(0, 256))]).tolist()
    return channels[0], channels[1], channels[2]
