"""What people do to pictures before they upload them, each as one step on an upright RGB picture."""

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

QUALITY = 95
LOW_QUALITY = 30
KEPT_SIDE = 0.8
BORDER_SIDE = 0.15
LARGEST_GROWTH = 1 + 2 * BORDER_SIDE
"""How many times longer a side may become: within a border; nothing else makes a picture larger."""

BORDER_COLOUR = (0, 0, 0)
BACKGROUND_COLOUR = (232, 232, 232)
TEXT = "READ THIS FIRST\nlink in the description"
TEXT_HEIGHTS = (0.08, 0.42, 0.76)
"""Where the lines of text begin, of the picture's height."""


@dataclass(frozen=True, slots=True)
class Transformation:
    """A change of the picture, and the quality of the JPEG it is then stored as."""

    name: str
    title: str
    change: Callable[[Image.Image], Image.Image]
    quality: int = QUALITY

    def apply(self, rgb: Image.Image) -> bytes:
        """Return the changed picture as a JPEG without metadata; chroma is kept whole except at low quality."""
        out = io.BytesIO()
        subsampling = 0 if self.quality >= QUALITY else -1
        self.change(rgb).save(out, format="JPEG", quality=self.quality, subsampling=subsampling)
        return out.getvalue()


def unchanged(rgb: Image.Image) -> Image.Image:
    """Return the picture itself."""
    return rgb


def centre_crop(rgb: Image.Image) -> Image.Image:
    """Return the middle, 80 % of each side."""
    width, height = max(1, round(rgb.width * KEPT_SIDE)), max(1, round(rgb.height * KEPT_SIDE))
    left, top = (rgb.width - width) // 2, (rgb.height - height) // 2
    return rgb.crop((left, top, left + width, top + height))


def border(rgb: Image.Image) -> Image.Image:
    """Return it within a black border, on every edge 15 % of the side it continues."""
    beside, above = round(rgb.width * BORDER_SIDE), round(rgb.height * BORDER_SIDE)
    framed = Image.new("RGB", (rgb.width + 2 * beside, rgb.height + 2 * above), BORDER_COLOUR)
    framed.paste(rgb, (beside, above))
    return framed


def greyscale(rgb: Image.Image) -> Image.Image:
    """Return it without colour."""
    return rgb.convert("L").convert("RGB")


def overlaid_text(rgb: Image.Image) -> Image.Image:
    """Return it under three captions, white with a dark outline, as wide as the picture allows."""
    written = rgb.copy()
    draw = ImageDraw.Draw(written)
    longest = max(TEXT.splitlines(), key=len)
    size_px = max(6, round(1.7 * rgb.width / len(longest)))
    font = ImageFont.load_default(size_px)
    for height in TEXT_HEIGHTS:
        draw.multiline_text(
            (rgb.width / 2, height * rgb.height),
            TEXT,
            fill=(255, 255, 255),
            font=font,
            anchor="ma",
            align="center",
            stroke_width=max(1, size_px // 12),
            stroke_fill=(20, 20, 20),
        )
    return written


def inset(rgb: Image.Image, side: float) -> Image.Image:
    """Return a plain grey picture of the same size with it in the middle, its sides times `side`."""
    plain = Image.new("RGB", rgb.size, BACKGROUND_COLOUR)
    small = rgb.resize((max(1, round(rgb.width * side)), max(1, round(rgb.height * side))), Image.Resampling.LANCZOS)
    plain.paste(small, ((rgb.width - small.width) // 2, (rgb.height - small.height) // 2))
    return plain


CONTROL = Transformation("reencoded", "only re-encoded (control)", unchanged)
"""What storing as JPEG does by itself: the others are to be read against this."""

TRANSFORMATIONS = (
    CONTROL,
    Transformation("jpeg30", f"JPEG of quality {LOW_QUALITY}", unchanged, LOW_QUALITY),
    Transformation("crop", "centre crop, 80 % of each side", centre_crop),
    Transformation("flip", "flipped left to right", ImageOps.mirror),
    Transformation("border", "black border, 15 % on each edge", border),
    Transformation("greyscale", "greyscale", greyscale),
    Transformation("text", "overlaid text", overlaid_text),
    Transformation("inset_quarter", "inset, a quarter of the area", lambda rgb: inset(rgb, 1 / 2)),
    Transformation("inset_ninth", "inset, a ninth of the area", lambda rgb: inset(rgb, 1 / 3)),
)
