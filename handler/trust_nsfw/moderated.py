"""One encoded image -> the picture a platform shows in its place: blurred beyond recovery, or cleaned of metadata."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageFilter

from trust_nsfw.colour import flatten, to_srgb
from trust_nsfw.frames import PAGED, ImageFile, open_image
from trust_nsfw.images import BACKGROUNDS, sampled_frames
from trust_nsfw.schema import Action
from trust_nsfw.settings import Limits

MAX_BODY_BYTES = 30 * 2**20
"""A little below what TorchServe accepts as a response: a larger one would kill the worker."""

MAX_CELLS, MIN_CELL_PX = 6, 8
"""Cells along the longer side of all that a blurred picture is made from; of 12 a person's outline could be guessed."""
CELL_BLUR_PX = 8
"""A cell's side in the small picture that is blurred, by half of that, before it is enlarged."""

MAX_ANIMATION_FRAMES = 1_000
MAX_ANIMATION_PIXELS = 16_000_000
"""Width x height x frames of an animation in an answer, two seconds of encoding; larger frames shrink."""
MAX_DURATION_MS = 60_000

KEPT = {"JPEG", "PNG", "WEBP", "GIF"}
"""Formats that every browser shows. Others become JPEG, PNG where something is transparent, WebP where it moves."""

TRANSPARENT_INDEX, CLEAR_FRAME = 255, 2
"""Of a GIF: the palette's last colour, and the disposal without which transparent frames would pile up."""

ENCODING: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 90},
    "PNG": {"compress_level": 3},
    "WEBP": {"quality": 90, "method": 2},
    "GIF": {"optimize": False},
}


@dataclass(frozen=True, slots=True)
class ModeratedImage:
    """An encoded image without metadata; width and height in px."""

    body: bytes
    content_type: str
    width: int
    height: int


def moderated(payload: bytes, action: Action, limits: Limits) -> ModeratedImage:
    """Blur an image beyond recovery when the action is blur, else encode it anew, upright, in sRGB, within limits.

    An animation stays one unless it is blurred; of several pages the first is shown. Raises what decoding raises.
    """
    file = open_image(payload, limits)
    if file.frames > 1 and file.format not in PAGED and action is not Action.BLUR:
        return _animation(file, limits.max_moderated_side_px)
    [(_, picture)] = file.draw([file.first])
    size = _scaled(picture.size, limits.max_moderated_side_px / max(picture.size))
    picture = from_cells(to_srgb(cells(picture)), size) if action is Action.BLUR else to_srgb(_resized(picture, size))
    kind = file.format if file.format in KEPT else "JPEG" if picture.mode == "RGB" else "PNG"
    return _encoded([picture], kind)


def cells(picture: Image.Image) -> Image.Image:
    """Average an RGB or RGBA picture, shown on white, in squares: at most 6 x 6 RGB pixels are left of it."""
    flat = picture if picture.mode == "RGB" else flatten(picture, BACKGROUNDS["white"])
    return flat.reduce(max(MIN_CELL_PX, math.ceil(max(flat.size) / MAX_CELLS)))


def from_cells(averages: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Make a smooth RGB picture of `size` in px from nothing but `cells`."""
    small = averages.resize((averages.width * CELL_BLUR_PX, averages.height * CELL_BLUR_PX), Image.Resampling.BICUBIC)
    return small.filter(ImageFilter.GaussianBlur(CELL_BLUR_PX / 2)).resize(size, Image.Resampling.BICUBIC)


def _animation(file: ImageFile, max_side_px: int) -> ModeratedImage:
    """Encode a moving image anew: all its frames up to 1,000, evenly chosen beyond, at their pace."""
    shown = file.frames - file.first
    frames = [file.first + frame for frame in sampled_frames(shown, MAX_ANIMATION_FRAMES)]
    longer, pixels = max(file.width, file.height), file.width * file.height * len(frames)
    size = _scaled((file.width, file.height), max_side_px / longer, math.sqrt(MAX_ANIMATION_PIXELS / pixels))
    pictures, durations = [], []
    timing = {"loop": file.image.info["loop"]} if "loop" in file.image.info else {}
    for _, picture in file.draw(frames):
        pictures.append(to_srgb(_resized(picture, size)))
        duration_ms = file.image.info.get("duration", 0) * shown / len(frames)
        durations.append(min(round(duration_ms), MAX_DURATION_MS))
    if any(picture.mode == "RGBA" for picture in pictures):
        pictures = [picture.convert("RGBA") for picture in pictures]
    return _encoded(pictures, file.format if file.format in KEPT else "WEBP", duration=durations, **timing)


def _encoded(pictures: Sequence[Image.Image], kind: str, **timing: Any) -> ModeratedImage:
    """Encode pictures of one size and mode, halving the sides until an answer can carry them."""
    while len(body := _body(pictures, kind, **timing)) > MAX_BODY_BYTES:
        size = _scaled(pictures[0].size, 0.5)
        pictures = [_resized(picture, size) for picture in pictures]
    return ModeratedImage(body, Image.MIME[kind], *pictures[0].size)


def _body(pictures: Sequence[Image.Image], kind: str, **timing: Any) -> bytes:
    options = ENCODING[kind] | timing
    if kind == "GIF":
        if pictures[0].mode == "RGBA":
            options |= {"transparency": TRANSPARENT_INDEX, "disposal": CLEAR_FRAME}
        pictures = [_with_palette(picture) for picture in pictures]
    if len(pictures) > 1:
        options |= {"save_all": True, "append_images": pictures[1:]}
    buffer = BytesIO()
    pictures[0].save(buffer, kind, **options)
    return buffer.getvalue()


def _with_palette(picture: Image.Image) -> Image.Image:
    """Reduce to 255 colours, and to transparency wherever the picture lets more through than it shows."""
    rgb = picture.convert("RGB")
    reduced = rgb.quantize(palette=rgb.quantize(255, Image.Quantize.FASTOCTREE))
    if picture.mode == "RGBA":
        hidden = picture.getchannel("A").point([255] * 128 + [0] * 128)
        reduced.paste(TRANSPARENT_INDEX, mask=hidden)
    return reduced


def _scaled(size: tuple[int, int], *factors: float) -> tuple[int, int]:
    """Shrink a size in px by the smallest factor below 1; at least 1 px is left of each side."""
    factor = min(1.0, *factors)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    if picture.size == size:
        return picture
    return picture.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
