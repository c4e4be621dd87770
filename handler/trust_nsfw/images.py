"""Encoded bytes -> upright RGB views within limits; one view per sampled frame and background."""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from trust_nsfw import colour
from trust_nsfw.frames import Box, open_image
from trust_nsfw.settings import Limits

BACKGROUNDS = {"white": (255, 255, 255), "black": (0, 0, 0)}
"""What a transparent image is shown on: it may hide on one what it shows on the other."""

OPAQUE = {"JPEG"}
"""Formats that cannot be transparent."""


@dataclass(frozen=True, slots=True)
class View:
    """One RGB picture of an image: which frame, shown on which background (None when opaque).

    `box` says which part of the picture is the image where it is not all of it (see `ImageFile.shrink`).
    """

    rgb: Image.Image
    frame: int
    background: str | None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An opened image; width and height in px as shown upright, views decoded only as they are drawn.

    `least_views` is how many there will be if nothing is transparent, `most_views` if everything is.
    """

    format: str
    width: int
    height: int
    frames: int
    views: Iterator[View]
    least_views: int
    most_views: int


def decode(payload: bytes, limits: Limits, at_least: tuple[int, int] | None = None) -> DecodedImage:
    """Open one encoded image.

    With `at_least` (width, height in px) a large JPEG is decoded at a fraction of its size, never below that: several
    times faster, for a picture that will be resized anyway. Sizes and limits are those of the whole image all the same.
    Raises EmptyImage, UnsupportedFormat, CorruptImage or ImageTooLarge; drawing from `views` can raise the last two.
    """
    file = open_image(payload, limits)
    box = None if at_least is None else file.shrink(*at_least)
    frames = sampled_frames(file.frames, limits.max_frames)
    return DecodedImage(
        format=file.format,
        width=file.width,
        height=file.height,
        frames=file.frames,
        views=_views(file.draw(frames), box),
        least_views=len(frames),
        most_views=len(frames) * (1 if file.format in OPAQUE else len(BACKGROUNDS)),
    )


def sampled_frames(frames: int, most: int) -> list[int]:
    """Return at most `most` frame indices, spread evenly from the first to the last."""
    count = min(frames, most)
    return [0] if count == 1 else [round(step * (frames - 1) / (count - 1)) for step in range(count)]


def _views(pictures: Iterator[tuple[int, Image.Image]], box: Box | None) -> Iterator[View]:
    for frame, picture in pictures:
        if picture.mode == "RGB":
            yield View(picture, frame, None, box)
            continue
        for name, background in BACKGROUNDS.items():
            yield View(colour.flatten(picture, background), frame, name)
