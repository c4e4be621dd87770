"""A picture -> its file: JPEG (plain, progressive, turned by EXIF), PNG and WebP (lossy and lossless)."""

from enum import StrEnum
from io import BytesIO

from PIL import Image


class Encoding(StrEnum):
    """How a picture's file is made."""

    JPEG = "jpeg"
    PROGRESSIVE = "progressive"
    TURNED = "turned"  # a JPEG stored as the sensor saw it, with the EXIF orientation that shows it upright
    PNG = "png"
    WEBP = "webp"
    WEBP_LOSSLESS = "webp-lossless"


MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
ORIENTATION, MAKER = 0x0112, 0x010F
TURNS = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
"""What a camera does to the upright picture for each orientation that it then notes: held upside down, or on a side."""

WEBP_EFFORT = 2  # of 6: a third of the default's time, a few percent more bytes


def format_of(encoding: Encoding) -> str:
    """Return Pillow's name of the format."""
    match encoding:
        case Encoding.PNG:
            return "PNG"
        case Encoding.WEBP | Encoding.WEBP_LOSSLESS:
            return "WEBP"
        case _:
            return "JPEG"


def encode(image: Image.Image, encoding: Encoding, quality: int, orientation: int = 1) -> bytes:
    """Return the file of an upright picture. `quality` is for lossy ones; `orientation`, a key of TURNS, for TURNED."""
    if encoding is Encoding.TURNED:
        exif = Image.Exif()
        exif[ORIENTATION], exif[MAKER] = orientation, "Load test"
        return _saved(image.transpose(TURNS[orientation]), "JPEG", quality=quality, exif=exif.tobytes())
    match encoding:
        case Encoding.JPEG:
            return _saved(image, "JPEG", quality=quality)
        case Encoding.PROGRESSIVE:
            return _saved(image, "JPEG", quality=quality, progressive=True)
        case Encoding.PNG:
            return _saved(image, "PNG")
        case Encoding.WEBP:
            return _saved(image, "WEBP", quality=quality, method=WEBP_EFFORT)
        case Encoding.WEBP_LOSSLESS:
            return _saved(image, "WEBP", lossless=True, quality=50, method=WEBP_EFFORT)


def _saved(image: Image.Image, kind: str, **options: int | bool | bytes) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
