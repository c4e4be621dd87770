"""An explanation as a picture: the heat of a grid in colour over the image in grey."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

HEAT_STOPS = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)])
"""RGB at evenly spaced heats, coldest first, of the colour map inferno: hotter is brighter to every eye."""

HEAT_COLOURS = np.stack(
    [np.interp(np.linspace(0, 1, 256), np.linspace(0, 1, len(HEAT_STOPS)), channel) for channel in HEAT_STOPS.T], axis=1
).astype(np.float32)
"""RGB of heat 0 to 1 in 256 levels."""

MAX_OPACITY = 0.75
"""Opacity of the hottest place; a cold one shows the image alone."""


def overlay(rgb: Image.Image, grid: NDArray[np.float32], longest_side_px: int) -> bytes:
    """Return a PNG of an upright RGB image with the heat of `grid`, float32 [rows, columns] in 0 to 1, laid over it.

    The grid spans the whole image, whatever its aspect ratio. The PNG keeps that ratio; its longer side is the
    image's own or `longest_side_px`, whichever is smaller.
    """
    width, height = _bounded(rgb.size, longest_side_px)
    picture = rgb.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0).convert("L")
    smooth = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
    heat = np.asarray(smooth).clip(0, 1)  # bicubic overshoots
    colours = HEAT_COLOURS[(heat * 255).round().astype(np.uint8)]
    opacity = MAX_OPACITY * heat[..., None]
    blend = np.asarray(picture, dtype=np.float32)[..., None] * (1 - opacity) + colours * opacity
    buffer = BytesIO()
    Image.fromarray(blend.round().astype(np.uint8)).save(buffer, format="PNG")
    return buffer.getvalue()


def _bounded(size: tuple[int, int], longest_side_px: int) -> tuple[int, int]:
    """Return width and height in px, shrunk to the limit but never to nothing."""
    scale = min(1.0, longest_side_px / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height
