"""Small changes to a training picture that leave its class as it is; the serving preprocess comes after them.

A picture is upright by then, as its EXIF says, and stays so: nothing turns it by more than a few degrees. Hues stay,
since skin and blush are what tells some classes apart; brightness, contrast and saturation move a little, as cameras
and screens do. Pictures are recompressed, framed and cut, because that is what reaches a platform.
"""

import random as stdlib_random
from io import BytesIO

from PIL import Image, ImageEnhance, ImageOps

SMALLEST_CUT = 0.7  # of either side: less may cut away what makes the class
MIRRORED = 0.5
TURNED, MOST_DEGREES = 0.2, 8.0
TONED, MOST_TONE = 0.5, 0.2  # brightness, contrast and saturation between 0.8 and 1.2
RECOMPRESSED, QUALITIES = 0.3, (30, 90)
FRAMED, MOST_FRAME = 0.1, 0.15  # of either side, in one grey
LARGEST_SIDE_PX = 640
"""What follows works on a picture no larger than this: the model will see 224 px a side."""


def augmented(rgb: Image.Image, random: stdlib_random.Random) -> Image.Image:
    """Return another RGB picture of the same thing; `random` decides what is done to it."""
    picture = _cut(rgb, random)
    if max(picture.size) > LARGEST_SIDE_PX:
        picture = ImageOps.contain(picture, (LARGEST_SIDE_PX, LARGEST_SIDE_PX), Image.Resampling.BILINEAR)
    if random.random() < MIRRORED:
        picture = ImageOps.mirror(picture)
    if random.random() < TURNED:
        degrees = random.uniform(-MOST_DEGREES, MOST_DEGREES)
        picture = picture.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=_grey(random))
    if random.random() < TONED:
        for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
            picture = enhance(picture).enhance(1 + random.uniform(-MOST_TONE, MOST_TONE))
    if random.random() < FRAMED:
        width = max(1, round(min(picture.size) * random.uniform(0, MOST_FRAME)))
        picture = ImageOps.expand(picture, width, fill=_grey(random))
    if random.random() < RECOMPRESSED:
        picture = _recompressed(picture, random.randint(*QUALITIES))
    return picture


def _cut(rgb: Image.Image, random: stdlib_random.Random) -> Image.Image:
    width, height = (max(1, round(side * random.uniform(SMALLEST_CUT, 1))) for side in rgb.size)
    left, top = random.randint(0, rgb.width - width), random.randint(0, rgb.height - height)
    return rgb.crop((left, top, left + width, top + height))


def _recompressed(picture: Image.Image, quality: int) -> Image.Image:
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _grey(random: stdlib_random.Random) -> tuple[int, int, int]:
    level = random.randint(0, 255)
    return level, level, level
