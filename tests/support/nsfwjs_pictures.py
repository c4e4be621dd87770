"""The pictures nsfwjs was recorded on, made anew from the same bytes each time; nothing here resizes or draws.

Write them where scripts/record_nsfwjs_golden.mjs reads them:

    python tests/support/nsfwjs_pictures.py /tmp/pictures
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import skimage.data
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]
"""RGB, uint8 [height, width, 3]."""

SIDE_PX = 224
PHOTO_FOLDER = Path(skimage.data.__file__).parent
PNG_PHOTOS = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "clock_motion", "coffee"),
    *("coins", "grass", "gravel", "ihc", "moon", "motorcycle_left"),
)
JPEG_PHOTOS = ("hubble_deep_field", "retina", "rocket")

INK = (20, 20, 30)
PAPER = (250, 248, 240)
SKIN = (242, 204, 170)
HAIR = (90, 50, 30)
SKY = (120, 190, 240)
SUN = (250, 220, 80)
GRASS = (90, 160, 70)
BRICK = (190, 70, 50)


def photos_at_their_own_size() -> dict[str, Picture]:
    """Return the photos that ship inside scikit-image's wheel, grey ones as RGB."""
    files = [f"{name}.png" for name in PNG_PHOTOS] + [f"{name}.jpg" for name in JPEG_PHOTOS]
    return {Path(file).stem: np.asarray(Image.open(PHOTO_FOLDER / file).convert("RGB")) for file in files}


def pictures_at_model_size() -> dict[str, Picture]:
    """Return photos, drawings, noise, flat colours and gradients, each 224x224.

    Of a photo it is the middle of every n-th pixel, so that no resizing filter has a say; of the PNG ones only, whose
    decoding has no say either.
    """
    photos = photos_at_their_own_size()
    return {name: _middle(photos[name]) for name in PNG_PHOTOS} | _drawings() | _patterns()


def sha256(picture: Picture) -> str:
    """Return the digest of the raw bytes, row by row, as written for and checked by the recording."""
    return hashlib.sha256(picture.tobytes()).hexdigest()


def _middle(photo: Picture) -> Picture:
    step = min(photo.shape[:2]) // SIDE_PX
    sparse = photo[::step, ::step]
    top, left = ((length - SIDE_PX) // 2 for length in sparse.shape[:2])
    return np.ascontiguousarray(sparse[top : top + SIDE_PX, left : left + SIDE_PX])


def _drawings() -> dict[str, Picture]:
    """Return flat shapes with ink outlines, in whole numbers only."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]

    def disc(canvas: Picture, centre_x: int, centre_y: int, radius: int, colour: tuple[int, int, int]) -> None:
        distance = (x - centre_x) ** 2 + (y - centre_y) ** 2
        canvas[distance <= (radius + 3) ** 2] = INK
        canvas[distance <= radius**2] = colour

    face = _flat(PAPER)
    disc(face, 112, 96, 84, HAIR)
    disc(face, 112, 118, 70, SKIN)
    for eye_x in (86, 138):
        disc(face, eye_x, 108, 13, PAPER)
        disc(face, eye_x, 111, 5, INK)
    face[(abs(y - 152 + (x - 112) ** 2 // 60) <= 2) & (abs(x - 112) <= 28)] = INK

    house = _flat(SKY)
    disc(house, 186, 38, 22, SUN)
    house[y > 176] = GRASS
    house[(y > 100) & (y < 190) & (abs(x - 100) < 60)] = PAPER
    house[(y > 44) & (y <= 100) & (abs(x - 100) < (y - 44) * 5 // 4)] = BRICK
    house[(y > 140) & (y < 190) & (abs(x - 100) < 14)] = HAIR

    hatching = _flat(PAPER)
    hatching[((x + y) % 12 < 2) | ((x - 2 * y) % 31 < 2)] = INK
    return {"drawn_face": face, "drawn_house": house, "drawn_hatching": hatching}


def _patterns() -> dict[str, Picture]:
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX]
    grey = _noise("grey", (SIDE_PX, SIDE_PX, 1)).repeat(3, axis=2)
    mosaic = _noise("mosaic", (8, 8, 3)).repeat(28, axis=0).repeat(28, axis=1)
    sunset = np.stack([255 - y // 4, 60 + y // 2, 40 + y * 3 // 4], axis=2).astype(np.uint8)
    return {
        "flat_black": _flat((0, 0, 0)),
        "flat_white": _flat((255, 255, 255)),
        "flat_skin": _flat(SKIN),
        "gradient_grey": np.stack([x, x, x], axis=2).astype(np.uint8),
        "gradient_sunset": sunset,
        "checkerboard": np.stack([(x // 16 + y // 16) % 2 * 255] * 3, axis=2).astype(np.uint8),
        "noise_colour": _noise("colour", (SIDE_PX, SIDE_PX, 3)),
        "noise_grey": grey,
        "noise_mosaic": mosaic,
    }


def _flat(colour: tuple[int, int, int]) -> Picture:
    return np.full((SIDE_PX, SIDE_PX, 3), colour, dtype=np.uint8)


def _noise(seed: str, shape: tuple[int, int, int]) -> Picture:
    """Return the bytes of SHAKE-256: noise that no library's random generator can change."""
    size = shape[0] * shape[1] * shape[2]
    return np.frombuffer(hashlib.shake_256(seed.encode()).digest(size), np.uint8).reshape(shape)


def main() -> None:
    """Write every picture's raw bytes as NAME.WIDTHxHEIGHT.rgb into the folder named on the command line."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for pictures in (pictures_at_model_size(), photos_at_their_own_size()):
        for name, picture in pictures.items():
            height_px, width_px, _ = picture.shape
            (folder / f"{name}.{width_px}x{height_px}.rgb").write_bytes(picture.tobytes())


if __name__ == "__main__":
    main()
