"""An image as a caller has it -> its bytes."""

import os
from pathlib import Path
from typing import BinaryIO

from trust_nsfw.client.errors import RequestTooLarge, UnreadableImage

Image = bytes | bytearray | memoryview | os.PathLike[str] | BinaryIO
"""Encoded bytes, a file's path, or a binary file opened for reading. A `str` is neither: say Path(...)."""


def read(image: Image, limit_bytes: int) -> bytes:
    """Return an image's encoded bytes; a file object is read from where it stands.

    Raises UnreadableImage, RequestTooLarge, or TypeError for what is none of the types of Image.
    """
    payload = _read_at_most(image, limit_bytes + 1)
    if len(payload) > limit_bytes:
        raise RequestTooLarge(f"the image has more bytes than a request may have; the limit is {limit_bytes:,}")
    return payload


def _read_at_most(image: Image, most_bytes: int) -> bytes:
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    try:
        if isinstance(image, os.PathLike):
            with Path(image).open("rb") as file:
                return file.read(most_bytes)
        if not hasattr(image, "read"):
            raise TypeError(f"an image is bytes, a Path or an open binary file, not {type(image).__name__}")
        content = image.read(most_bytes)
    except OSError as error:
        name = image if isinstance(image, os.PathLike) else "the file"
        raise UnreadableImage(f"{name} can't be read: {error.strerror or error}") from error
    if not isinstance(content, bytes):
        raise TypeError(f"the file gave {type(content).__name__}, not bytes: open it in binary mode")
    return content
