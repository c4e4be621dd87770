"""A recognised image file -> its upright frames, within limits: the one place that runs a decoder."""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import pillow_heif
from PIL import Image, TiffImagePlugin

from trust_nsfw import containers
from trust_nsfw.colour import standard
from trust_nsfw.errors import CorruptImage, EmptyImage, ImageTooLarge, InternalError
from trust_nsfw.settings import Limits

Image.init()
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
TiffImagePlugin.READ_LIBTIFF = True  # Pillow's own reader takes 16-bit planes for 8-bit ones, and strips one by one

PAGED = {"TIFF", "HEIF"}
"""Their pictures are decoded one by one; of an animation every frame before the wanted one must be drawn too."""

TURNED_BY_DECODER = {"TIFF", "HEIF"}
"""Pillow turns a TIFF as it is loaded, libheif a HEIF; Pillow hands an AVIF's rotation on as EXIF."""

MIN_FRAME_PIXELS = 4_096
"""What a frame counts at least, for the time that Pillow spends on it however small it is."""

MAX_SCANNED_PIXELS = 1_000_000_000
"""Pixels x scans of a progressive JPEG, a second's work; 50 megapixels may have 20 scans, 10 are usual."""

MAX_RUN_LENGTH_PIXELS = 2_000_000
"""Pixels of a run-length encoded bitmap, which Pillow decodes in Python: a microsecond each."""

RUN_LENGTHS = (1, 2)
"""Values of a bitmap's compression field: run-length encoding of 8 and of 4 bits."""

ORIENTATION_TAG, SHORT = 0x0112, 3
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What undoes each value of the EXIF orientation tag."""

RIGHT_IS_FIRST, BOTTOM_IS_FIRST, SIDES_SWAP = {2, 3, 7, 8}, {3, 4, 6, 7}, {5, 6, 7, 8}
"""Orientations in which the stored right or bottom edge is shown at the left or top, and in which width is height."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in px of a decoded picture, between its pixels too."""

DECODER_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
    AssertionError, EOFError, RuntimeError, struct.error,
)  # fmt: skip
"""What Pillow's decoders raise on malformed files; there is no common base."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An opened image; width and height in px of its first picture as shown upright. Its frames can be drawn once.

    The size is that of the file, whatever `shrink` makes of what is drawn.
    """

    format: str
    width: int
    height: int
    frames: int
    image: Image.Image
    limits: Limits

    @property
    def first(self) -> int:
        """Index of the picture shown first: a HEIF says which, and an animated PNG may begin with a hidden one."""
        if self.format == "HEIF":
            return self.image.tell()
        return int(getattr(self.image, "default_image", False))

    def shrink(self, width: int, height: int) -> Box | None:
        """Have a JPEG decoded at a half, a quarter or an eighth, still at least width x height px as shown upright.

        To be called before `draw`. Returns where the drawn picture shows the image: its last column and row may reach
        beyond the edge, as pixels of it do in part. None where nothing was shrunk, or nothing reaches beyond.
        """
        if self.format != "JPEG":
            return None
        image, orientation = self.image, _orientation(self.image, self.format)
        swapped = orientation in SIDES_SWAP
        drafted = image.draft(None, (height, width) if swapped else (width, height))
        if drafted is None:
            return None
        _, (_, _, across, down) = drafted
        beyond_right, beyond_bottom = image.width - across, image.height - down
        if not (beyond_right or beyond_bottom):
            return None
        left = beyond_right if orientation in RIGHT_IS_FIRST else 0.0
        top = beyond_bottom if orientation in BOTTOM_IS_FIRST else 0.0
        box = (left, top, left + across, top + down)
        return (box[1], box[0], box[3], box[2]) if swapped else box

    def draw(self, frames: Sequence[int]) -> Iterator[tuple[int, Image.Image]]:
        """Return the frames of these ascending indices as they are taken, upright, RGB or (see `colour`) RGBA.

        Each picture is the taker's own. Raises ImageTooLarge; taking can also raise CorruptImage.
        """
        if self.format not in PAGED and self.frames > 1:
            _check_work((frames[-1] + 1) * max(MIN_FRAME_PIXELS, self.width * self.height), self.limits)
        return self._drawn(frames)

    def _drawn(self, frames: Sequence[int]) -> Iterator[tuple[int, Image.Image]]:
        image, pixels = self.image, 0
        method = UPRIGHT.get(_orientation(image, self.format))
        with image, _decoder_errors(self.format, self.limits):
            for frame in frames:
                if frame != image.tell():
                    image.seek(frame)
                _check_size(image, self.limits)
                pixels += image.width * image.height
                if self.format in PAGED and self.frames > 1:
                    _check_work(pixels, self.limits)
                image.load()
                picture = image.copy() if self.frames > 1 else image
                if method is not None:
                    picture = picture.transpose(method)
                yield frame, standard(picture)


def open_image(payload: bytes, limits: Limits) -> ImageFile:
    """Open one encoded image by its header, decoding nothing.

    Raises EmptyImage, UnsupportedFormat, CorruptImage or ImageTooLarge.
    """
    if not payload:
        raise EmptyImage("the image has no bytes")
    container = containers.read(payload)
    with _decoder_errors(container.format, limits):
        image = Image.open(BytesIO(container.body), formats=[container.format])
        frames = container.frames or int(getattr(image, "n_frames", 1))
        _check_size(image, limits)
        _check_speed(image, container.scans)
        swapped = _orientation(image, container.format) in SIDES_SWAP
        width, height = reversed(image.size) if swapped else image.size
    return ImageFile(container.format, width, height, frames, image, limits)


@contextmanager
def _decoder_errors(name: str, limits: Limits) -> Iterator[None]:
    try:
        yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ImageTooLarge(f"far more pixels than the limit of {limits.max_pixels:,}") from None
    except MemoryError:
        raise InternalError(f"there is not enough memory to decode the {name} image") from None
    except DECODER_ERRORS as error:
        raise CorruptImage(f"the {name} image cannot be decoded ({type(error).__name__})") from None


def _check_size(image: Image.Image, limits: Limits) -> None:
    width, height = image.size
    if max(width, height) > limits.max_side_px:
        raise ImageTooLarge(f"{max(width, height):,} pixels on the longer side; the limit is {limits.max_side_px:,}")
    if width * height > limits.max_pixels:
        raise ImageTooLarge(f"{width * height:,} pixels; the limit is {limits.max_pixels:,}")


def _check_work(pixels: int, limits: Limits) -> None:
    if pixels > limits.max_animation_pixels:
        raise ImageTooLarge(f"{pixels:,} pixels in all frames; the limit is {limits.max_animation_pixels:,}")


def _check_speed(image: Image.Image, scans: int) -> None:
    """Refuse a picture within the limits whose encoding makes it take far longer than others of its size."""
    pixels = image.width * image.height
    if pixels * scans > MAX_SCANNED_PIXELS:
        raise ImageTooLarge(f"{scans:,} scans of {pixels:,} pixels; the limit is {MAX_SCANNED_PIXELS:,} pixels in all")
    if image.format == "BMP" and image.info.get("compression") in RUN_LENGTHS and pixels > MAX_RUN_LENGTH_PIXELS:
        raise ImageTooLarge(f"{pixels:,} pixels in a run-length encoded BMP; the limit is {MAX_RUN_LENGTH_PIXELS:,}")


def _orientation(image: Image.Image, name: str) -> int:
    """Return the EXIF orientation from 1 (upright) to 8; 1 where it is absent, unreadable or already heeded.

    The first directory is searched here: Pillow would read every tag, and would search XMP, which viewers ignore.
    """
    exif = image.info.get("exif")
    if name in TURNED_BY_DECODER or not isinstance(exif, bytes):
        return 1
    exif = exif.removeprefix(b"Exif\0\0")
    order = "<" if exif.startswith(b"II") else ">"
    try:
        (directory,) = struct.unpack_from(order + "L", exif, 4)
        (tags,) = struct.unpack_from(order + "H", exif, directory)
        for entry in range(directory + 2, directory + 2 + 12 * tags, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHLH", exif, entry)
            if (tag, kind) == (ORIENTATION_TAG, SHORT):
                return int(value) if value in UPRIGHT else 1
    except struct.error:
        pass
    return 1
