"""What makes two pictures near-duplicates: a perceptual hash that finds candidates, a thumbnail that confirms them."""

import base64
from dataclasses import dataclass

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

HASHED_SIDE_PX = 32
"""What ImageHash's phash reduces a picture to before its cosine transform, whose 8 x 8 lowest terms give the bits."""

THUMBNAIL_SIDE_PX = 16


@dataclass(frozen=True, slots=True)
class Signature:
    """A picture's 64-bit phash and its mirror image's, as 16 hexadecimal digits each, and its luma, 16 x 16 px.

    `thumbnail` is base64 of 256 bytes, row by row.
    """

    perceptual_hash: str
    mirrored_hash: str
    thumbnail: str

    @classmethod
    def of(cls, rgb: Image.Image) -> "Signature":
        """Compute it from a whole picture."""
        luma = rgb.convert("L").resize((HASHED_SIDE_PX, HASHED_SIDE_PX), Image.Resampling.LANCZOS)
        mirrored = luma.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        thumbnail = luma.reduce(HASHED_SIDE_PX // THUMBNAIL_SIDE_PX)
        return cls(
            str(imagehash.phash(luma)),
            str(imagehash.phash(mirrored)),
            base64.b64encode(np.asarray(thumbnail).tobytes()).decode(),
        )

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """The thumbnail, uint8 [16, 16]."""
        content = np.frombuffer(base64.b64decode(self.thumbnail), np.uint8)
        return content.reshape(THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX)
