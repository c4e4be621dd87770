"""Encoded bytes -> upright RGB views within limits; one view per sampled frame and background."""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from trust_nsfw import colour
from trust_nsfw.frames import open_image
from trust_nsfw.settings import Limits

BACKGROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0)}
"""What a transparent image is shown on: it may hide on one what it shows on the other."""


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
    file = open_image(payload, limits)
    pictures = file.draw(sampled_frames(file.frames, limits.max_frames))
    return DecodedImage(file.format, file.width, file.height, file.frames, _views(pictures))


def sampled_frames(frames: int, most: int) -> list[int]:
    """Return at most `most` frame indices, spread evenly from the first to the last."""
    count = min(frames, most)
    return [0] if count == 1 else [round(step * (frames - 1) / (count - 1)) for step in range(count)]


def _views(pictures: Iterator[tuple[int, Image.Image]]) -> Iterator[View]:
    for frame, picture in pictures:
        if picture.mode == "RGB":
            yield View(picture, frame, None)
            continue
        for name, background in BACKGROUNDS.items():
            yield View(colour.flatten(picture, background), frame, name)
