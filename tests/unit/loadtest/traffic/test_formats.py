from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from traffic.drawings import scene, sticker
from traffic.formats import Encoding, encode, format_of
from traffic.photographs import Look, original, variation

SIZE = (320, 200)
PHOTO = variation(original("chelsea.png"), SIZE, Look(1.0, 2.0), np.random.default_rng(0))
DRAWING, STICKER = scene(SIZE, np.random.default_rng(0)), sticker(SIZE, np.random.default_rng(0))


def opened(payload: bytes) -> Image.Image:
    return Image.open(BytesIO(payload))


@pytest.mark.parametrize("encoding", Encoding)
def test_every_encoding_is_of_the_format_that_it_says(encoding):
    payload = encode(PHOTO, encoding, 85, orientation=3)
    assert opened(payload).format == format_of(encoding)
    assert payload == encode(PHOTO, encoding, 85, orientation=3)


@pytest.mark.parametrize("encoding", [Encoding.PNG, Encoding.WEBP_LOSSLESS])
def test_a_lossless_encoding_keeps_every_pixel(encoding):
    assert np.array_equal(np.asarray(opened(encode(DRAWING, encoding, 50)).convert("RGB")), np.asarray(DRAWING))


@pytest.mark.parametrize("encoding", [Encoding.PNG, Encoding.WEBP, Encoding.WEBP_LOSSLESS])
def test_transparency_is_kept(encoding):
    assert opened(encode(STICKER, encoding, 85)).convert("RGBA").getchannel("A").getextrema() == (0, 255)


def test_a_progressive_jpeg_is_one():
    assert opened(encode(PHOTO, Encoding.PROGRESSIVE, 85)).info["progressive"]
    assert "progressive" not in opened(encode(PHOTO, Encoding.JPEG, 85)).info


@pytest.mark.parametrize(("orientation", "stored"), [(3, (320, 200)), (6, (200, 320)), (8, (200, 320))])
def test_a_turned_jpeg_is_stored_turned_and_shown_upright(orientation, stored):
    image = opened(encode(PHOTO, Encoding.TURNED, 95, orientation))
    assert image.size == stored
    assert image.getexif()[0x0112] == orientation
    upright = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    assert np.abs(upright - np.asarray(PHOTO)).mean() < 4
