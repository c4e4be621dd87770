"""A planned picture -> its file."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from traffic import drawings, photographs
from traffic.formats import MEDIA_TYPES, SUFFIXES, Encoding, encode, format_of
from traffic.proportions import Planned, Shape, Subject

ON_A_SIDE, UPSIDE_DOWN = (6, 8), 3


@dataclass(frozen=True, slots=True)
class File:
    """A picture's file; `width` and `height` in px as shown upright (0 for what is no picture)."""

    name: str
    payload: bytes
    media_type: str
    width: int
    height: int
    error: str | None = None


def render(planned: Planned, seed: int) -> File:
    """Draw and encode one picture; the same plan and seed give the same bytes with one version of Pillow and NumPy."""
    random = np.random.default_rng((seed, planned.number))
    size = _size(planned, random)
    image = _drawn(planned, size, random)
    low, high = planned.size_class.qualities
    quality, encoding = int(random.integers(low, high + 1)), planned.recipe.encoding
    sideways = ON_A_SIDE[random.integers(len(ON_A_SIDE))]
    orientation = sideways if planned.shape is Shape.PORTRAIT else UPSIDE_DOWN
    kind = format_of(encoding)
    return File(
        name=f"{planned.number:04d}-{planned.size_class.name}-{planned.recipe.subject}-{encoding}{SUFFIXES[kind]}",
        payload=encode(image, encoding, quality, orientation if encoding is Encoding.TURNED else 1),
        media_type=MEDIA_TYPES[kind],
        width=size[0],
        height=size[1],
    )


def _size(planned: Planned, random: np.random.Generator) -> tuple[int, int]:
    longer, aspects = planned.side_px, planned.size_class.aspects
    shorter = longer if planned.shape is Shape.SQUARE else round(longer / aspects[random.integers(len(aspects))])
    return (shorter, longer) if planned.shape is Shape.PORTRAIT else (longer, shorter)


def _drawn(planned: Planned, size: tuple[int, int], random: np.random.Generator) -> Image.Image:
    match planned.recipe.subject:
        case Subject.PHOTO:
            source = photographs.SOURCES[planned.turn % len(photographs.SOURCES)]
            return photographs.variation(photographs.original(source), size, planned.size_class.look, random)
        case Subject.DRAWING:
            return drawings.STYLES[planned.turn % len(drawings.STYLES)](size, random)
        case Subject.STICKER:
            return drawings.sticker(size, random)
