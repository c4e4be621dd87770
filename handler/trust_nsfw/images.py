"""Encoded bytes -> upright RGB views within limits; one view per sampled frame and background."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import ExifTags, Image

from trust_nsfw.errors import CorruptImage, EmptyImage, ImageTooLarge, UnsupportedFormat
from trust_nsfw.settings import Limits

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""Containers that are opened, by Pillow's names; nothing else is even tried."""

Image.init()

BACKGROUNDS = {"white": (255, 255, 255, 255), "black": (0, 0, 0, 255)}
"""What a transparent image is shown on: it may hide on one what it shows on the other."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each value of the EXIF orientation tag."""

DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    AssertionError, EOFError, RuntimeError, struct.error,
)  # fmt: skip
"""What Pillow's decoders raise on malformed files; there is no common base."""


@dataclass(frozen=True, slots=True)
class View:
    """One RGB picture of an image: which frame, shown on which background (None when opaque)."""

    rgb: Image.Image
    frame: int
    background: str | None


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An opened image; width and height in px as shown upright, views decoded only as they are drawn."""

    format: str
    width: int
    height: int
    frames: int
    views: Iterator[View]


def decode(payload: bytes, limits: Limits) -> DecodedImage:
    """Open one encoded image.

    Raises EmptyImage, UnsupportedFormat, CorruptImage or ImageTooLarge; drawing from `views` can raise the last two.
    """
    if not payload:
        raise EmptyImage("the image has no bytes")
    image = _open(payload)
    with _decoder_errors():
        _check_size(image, limits)
        frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
        turned = _orientation(image) >= 5
    width, height = reversed(image.size) if turned else image.size
    return DecodedImage(
        format="JPEG" if image.format == "MPO" else str(image.format),
        width=width,
        height=height,
        frames=frames,
        views=_views(image, sampled_frames(frames, limits.max_frames), limits),
    )


def sampled_frames(frames: int, most: int) -> list[int]:
    """Return at most `most` frame indices, spread evenly from the first to the last."""
    count = min(frames, most)
    return [0] if count == 1 else [round(step * (frames - 1) / (count - 1)) for step in range(count)]


def _open(payload: bytes) -> Image.Image:
    try:
        return Image.open(BytesIO(payload), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageTooLarge("the image has far more pixels than the limit") from None
    except DECODER_ERRORS:
        if _is_recognised(payload):
            raise CorruptImage("the image's header cannot be decoded") from None
        raise UnsupportedFormat(f"not an image of an accepted format: {', '.join(FORMATS)}") from None


def _is_recognised(payload: bytes) -> bool:
    """Tell whether the first bytes are the signature of an accepted format."""
    prefix = payload[:16]
    accepts = (Image.OPEN[name][1] for name in FORMATS)
    return any(accept is not None and accept(prefix) is True for accept in accepts)


def _views(image: Image.Image, frames: list[int], limits: Limits) -> Iterator[View]:
    with image, _decoder_errors():
        for frame in frames:
            if frame:
                image.seek(frame)
                _check_size(image, limits)
            image.load()
            upright = _upright(image)
            for background, rgb in _flatten(upright):
                yield View(rgb, frame, background)


@contextmanager
def _decoder_errors() -> Iterator[None]:
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageTooLarge("a frame of the image has far more pixels than the limit") from None
    except DECODER_ERRORS as error:
        raise CorruptImage(f"the image cannot be decoded ({type(error).__name__})") from None


def _check_size(image: Image.Image, limits: Limits) -> None:
    width, height = image.size
    if max(width, height) > limits.max_side_px:
        raise ImageTooLarge(f"{max(width, height):,} pixels on the longer side; the limit is {limits.max_side_px:,}")
    if width * height > limits.max_pixels:
        raise ImageTooLarge(f"{width * height:,} pixels; the limit is {limits.max_pixels:,}")


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 (upright) where it is absent or unreadable: bad metadata never fails an image."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except DECODER_ERRORS:
        return 1
    return value if isinstance(value, int) else 1


def _upright(image: Image.Image) -> Image.Image:
    method = UPRIGHT.get(_orientation(image))
    return image if method is None else image.transpose(method)


def _flatten(image: Image.Image) -> Iterator[tuple[str | None, Image.Image]]:
    """Yield the image in RGB: once when opaque, else once per background."""
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        if np.asarray(rgba.getchannel("A")).min() < 255:
            for name, colour in BACKGROUNDS.items():
                yield name, Image.alpha_composite(Image.new("RGBA", rgba.size, colour), rgba).convert("RGB")
            return
        image = rgba
    yield None, _rgb(image)


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("F", "I") or image.mode.startswith("I;16"):
        image = _eight_bit(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _eight_bit(image: Image.Image) -> Image.Image:
    """Rescale deep greyscale to 0..255: 16-bit values by 257, floats from 0..1, anything else from its own range."""
    values = np.nan_to_num(np.asarray(image).astype(np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and 0 <= low and high <= 1:
        low, high = 0.0, 1.0
    elif image.mode != "F" and 0 <= low and high <= 65_535:
        low, high = 0.0, 65_535.0
    scaled = (values - low) * (255 / max(high - low, np.finfo(np.float64).tiny))
    return Image.fromarray(np.rint(np.clip(scaled, 0, 255)).astype(np.uint8))
