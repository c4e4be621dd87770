"""Any pixel format -> 8-bit RGB, or RGBA where something is transparent; and from there to sRGB.

For the model an RGB profile is deliberately ignored, as it was in training; only a picture that is shown is converted.
CMYK is another matter: without its profile the numbers hardly say what colour they are.
"""

from io import BytesIO
from typing import cast

import numpy as np
from PIL import Image, ImageCms

MAX_PROFILE_BYTES = 2**22
"""Longer profiles are ignored; those of printing presses, with tables for four inks, take up to 3 MiB."""

PROGRAM = b"mpet"
"""Marks a profile with a chain of arithmetic steps: 80 kB of them take LittleCMS 6 s. Found in no photo; ignored."""

COLOUR_SPACES = {"RGB": "RGB", "RGBA": "RGB", "CMYK": "CMYK"}
"""The modes a profile is applied to, and the colour space it must then describe."""

MAX_FLOAT, MIN_RANGE = 1e37, 1e-30
"""Values beyond, and ranges below, would overflow 32-bit floats."""


def standard(image: Image.Image) -> Image.Image:
    """Return the picture in RGB, or in RGBA when some pixel is not opaque; may return the image itself.

    Of its `info` only the profile stays that `to_srgb` can apply. Raises what Pillow's decoders raise.
    """
    embedded = image.info.get("icc_profile")
    profile = embedded if isinstance(embedded, bytes) else None
    picture = _eight_bit(image) if image.mode in ("F", "I") or image.mode.startswith("I;16") else image
    if picture.mode == "La":
        picture = picture.convert("LA")
    if picture.mode == "CMYK":
        picture = _through(picture, profile)
        profile = None
    if picture.has_transparency_data:
        picture = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        if cast("tuple[tuple[int, int], ...]", picture.getextrema())[3][0] == 255:
            picture = picture.convert("RGB")
    elif picture.mode != "RGB":
        picture = picture.convert("RGB")
    picture.info = {} if profile is None else {"icc_profile": profile}
    return picture


def to_srgb(picture: Image.Image) -> Image.Image:
    """Convert RGB or RGBA from its embedded profile to sRGB; its `info` is empty then."""
    return _through(picture, picture.info.pop("icc_profile", None))


def flatten(picture: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Show an RGBA picture on a colour; returns RGB with the same `info`."""
    flat = Image.new("RGB", picture.size, background)
    flat.paste(picture, mask=picture)
    flat.info = picture.info.copy()
    return flat


def _through(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB with perceptual intent; returns the picture itself where no sound profile fits it."""
    if profile is None or len(profile) > MAX_PROFILE_BYTES or PROGRAM in profile:
        return picture
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space.strip() != COLOUR_SPACES[picture.mode]:
            return picture
        shown = "RGBA" if picture.mode == "RGBA" else "RGB"
        transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), picture.mode, shown)
        converted = transform.apply(picture)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture
    converted.info = {}  # where ImageCms has put the profile of sRGB
    return converted


def _eight_bit(image: Image.Image) -> Image.Image:
    """Rescale deep greyscale to 0..255: 16-bit values by 257, floats from 0..1, anything else from its own range."""
    deep = np.asarray(image)
    values = deep.astype(np.float32)
    np.nan_to_num(values, copy=False, nan=0, posinf=0, neginf=0)
    np.clip(values, -MAX_FLOAT, MAX_FLOAT, out=values)
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and 0 <= low and high <= 1:
        low, high = 0.0, 1.0
    elif image.mode != "F" and 0 <= low and high <= 65_535:
        low, high = 0.0, 65_535.0
    values -= low
    values *= 255 / (high - low) if high - low > MIN_RANGE else 0
    grey = Image.fromarray(np.rint(values, out=values).astype(np.uint8))
    if isinstance(transparent := image.info.get("transparency"), int):
        grey.putalpha(Image.fromarray(np.where(deep == transparent, 0, 255).astype(np.uint8)))
    return grey
