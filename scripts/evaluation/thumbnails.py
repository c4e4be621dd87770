"""A small picture of an image for a report; blurred beyond recognition where a reader has not asked to see it."""

from PIL import Image

from evaluation.moderation import SAFE
from trust_nsfw.errors import ServiceError
from trust_nsfw.images import decode
from trust_nsfw.schema import Action
from trust_nsfw.settings import Limits

BLURRED_SIDE_PX = 8
"""A blurred picture is made of at most 8 x 8 pixels, so nothing of it can be sharpened again."""

UNREADABLE_GREY = (216, 222, 228)


def is_hidden(label: str, action: Action, likely: str | None = None, *, show: bool) -> bool:
    """Tell whether a picture is blurred on every sheet of every report, unless the reader asked to `show` it.

    So is one whose label is not neutral or drawing, one whose label is `likely` another such, since the label may be
    what is wrong, and one that the policy blurs.
    """
    suspects = (label,) if likely is None else (label, likely)
    return not show and (action is Action.BLUR or any(one not in SAFE for one in suspects))


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
