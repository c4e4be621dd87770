"""A small picture of an image for a report; blurred beyond recognition where a reader has not asked to see it."""

import io

from PIL import Image

from trust_nsfw.errors import ServiceError
from trust_nsfw.images import decode
from trust_nsfw.settings import Limits

SAFE_LABELS = ("neutral", "drawing")
BLURRED_SIDE_PX = 8
"""A blurred picture is made of at most 8 x 8 pixels, so nothing of it can be sharpened again."""

UNREADABLE_GREY = (216, 222, 228)


def is_hidden(label: str, *, show: bool) -> bool:
    """Tell whether an image of this true label is blurred: anything but neutral and drawing, unless asked to show."""
    return not show and label not in SAFE_LABELS


def thumbnail(payload: bytes, side_px: int, *, hidden: bool) -> Image.Image:
    """Return an image's first view in RGB, its longer side `side_px`, enlarged where it is smaller.

    One that can't be decoded is a grey square.
    """
    try:
        image = decode(payload, Limits(), (side_px, side_px))
        view = next(iter(image.views))
    except ServiceError:
        return Image.new("RGB", (side_px, side_px), UNREADABLE_GREY)
    size = _fitted(image.width, image.height, side_px)
    if hidden:
        few = view.rgb.resize(_fitted(image.width, image.height, BLURRED_SIDE_PX), Image.Resampling.BOX, view.box)
        return few.resize(size, Image.Resampling.BICUBIC)
    return view.rgb.resize(size, Image.Resampling.LANCZOS, view.box)


def _fitted(width: int, height: int, side_px: int) -> tuple[int, int]:
    """Return the sides in px at which the longer one is `side_px`."""
    scale = side_px / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def png_of(picture: Image.Image) -> bytes:
    """Return a picture as PNG."""
    out = io.BytesIO()
    picture.save(out, format="PNG", optimize=True)
    return out.getvalue()
