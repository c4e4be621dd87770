"""What a picture is like, measured on its pixels: what an error may have in common with other errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dataset.signature import Signature
from trust_nsfw.errors import ServiceError
from trust_nsfw.images import decode
from trust_nsfw.settings import Limits

MEASURED_SIDE_PX = 256
FLAT_STEP, GENTLE_STEP = 2, 24
"""Of 255, between a pixel and its right neighbour, in the channel that differs most."""

DRAWN_FLATNESS = 2.0
ASPECTS = ((0.5, "over 1:2, tall"), (0.9, "portrait"), (1.12, "square"), (2.001, "landscape"))
WIDEST = "over 2:1, wide"
BRIGHTNESSES = ((64.0, "under 64 (dark)"), (128.0, "64 to 127"), (192.0, "128 to 191"))
BRIGHTEST = "192 and more (bright)"
COLOURFULNESSES = ((5.0, "under 5 (grey)"), (33.0, "5 to 32"), (59.0, "33 to 58"))
MOST_COLOURFUL = "59 and more"


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """A picture's measures, of its first view brought to at most 256 px a side.

    `aspect` is width / height, `brightness` the mean luma, 0 to 255. `colourfulness` is M of Hasler and Suesstrunk
    (Measuring colourfulness in natural images, SPIE 5007, 2003), where 15 is slightly and 59 quite colourful.
    `flatness` is how often neighbouring pixels are alike for each time they differ a little: a drawing has flat areas
    and hard edges, a photo noise and gradients. From 2 on a picture counts as drawn. That is wrong for night skies,
    studio backgrounds and text, and for painterly art; it finds slices to look at, no more.
    """

    aspect: float
    brightness: float
    colourfulness: float
    flatness: float
    signature: Signature

    @classmethod
    def of(cls, payload: bytes) -> Self | None:
        """Measure an encoded image; None for one that can't be decoded."""
        try:
            image = decode(payload, Limits())
            rgb = next(iter(image.views)).rgb
        except ServiceError:
            return None
        small = rgb.copy()
        small.thumbnail((MEASURED_SIDE_PX, MEASURED_SIDE_PX), Image.Resampling.BOX)
        pixels = np.asarray(small, dtype=np.float64)
        return cls(
            aspect=image.width / image.height,
            brightness=float((pixels @ (0.299, 0.587, 0.114)).mean()),
            colourfulness=_colourfulness(pixels),
            flatness=_flatness(pixels),
            signature=Signature.of(rgb),
        )

    @property
    def is_drawn(self) -> bool:
        """Whether it looks drawn rather than photographed."""
        return self.flatness >= DRAWN_FLATNESS


def columns_of(facts: Sequence[PictureFacts | None]) -> dict[str, list[str]]:
    """Return the slices that pictures belong to, by column; empty for one without facts."""
    return {
        "aspect": ["" if one is None else _band(one.aspect, ASPECTS, WIDEST) for one in facts],
        "brightness": ["" if one is None else _band(one.brightness, BRIGHTNESSES, BRIGHTEST) for one in facts],
        "colourfulness": [
            "" if one is None else _band(one.colourfulness, COLOURFULNESSES, MOST_COLOURFUL) for one in facts
        ],
        "looks": ["" if one is None else "drawn" if one.is_drawn else "photographic" for one in facts],
    }


def _band(value: float, bands: Sequence[tuple[float, str]], last: str) -> str:
    return next((name for end, name in bands if value < end), last)


def _colourfulness(pixels: NDArray[np.float64]) -> float:
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    against_green, against_blue = red - green, (red + green) / 2 - blue
    spread = np.hypot(against_green.std(), against_blue.std())
    return float(spread + 0.3 * np.hypot(against_green.mean(), against_blue.mean()))


def _flatness(pixels: NDArray[np.float64]) -> float:
    """Return flat steps per gentle one; 0 for a picture one pixel wide."""
    steps = np.abs(np.diff(pixels, axis=1)).max(axis=2)
    flat, gentle = (steps <= FLAT_STEP).sum(), ((steps > FLAT_STEP) & (steps <= GENTLE_STEP)).sum()
    return float(flat / max(gentle, 1))
