from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import pictures
from trust_nsfw.overlay import HEAT_COLOURS, overlay

COLD = np.zeros((14, 14), dtype=np.float32)


def opened(png: bytes) -> Image.Image:
    with Image.open(BytesIO(png)) as image:
        image.load()
        return image


@pytest.mark.parametrize(
    ("size", "longest_side_px", "expected"),
    [
        ((400, 100), 200, (200, 50)),
        ((100, 400), 200, (50, 200)),
        ((60, 40), 200, (60, 40)),
        ((201, 201), 200, (200, 200)),
        ((3000, 1), 200, (200, 1)),
    ],
)
def test_the_png_keeps_the_aspect_ratio_and_shrinks_to_the_limit_but_never_grows(size, longest_side_px, expected):
    image = opened(overlay(pictures.picture(1, *size), COLD, longest_side_px))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", expected)


def test_where_nothing_is_hot_there_is_the_image_in_grey():
    photo = pictures.photo("chelsea.png")
    image = opened(overlay(photo, COLD, 1000))
    assert np.array_equal(np.asarray(image), np.asarray(photo.convert("L").convert("RGB")))


@pytest.mark.parametrize("size", [(160, 80), (80, 160)])
@pytest.mark.parametrize(("row", "column"), [(1, 12), (12, 1), (6, 8)])
def test_the_heat_lies_where_the_grid_says_whatever_the_aspect_ratio(size, row, column):
    grid = COLD.copy()
    grid[row, column] = 1
    grey = np.full((size[1], size[0], 3), 90, dtype=np.uint8)
    change = np.abs(np.asarray(opened(overlay(Image.fromarray(grey), grid, 200))).astype(int) - 90).sum(axis=2)
    y, x = np.unravel_index(change.argmax(), change.shape)
    assert abs(y / size[1] - (row + 0.5) / 14) < 1 / 28
    assert abs(x / size[0] - (column + 0.5) / 14) < 1 / 28
    assert not change[: size[1] * max(row - 3, 0) // 14].any()


def test_hotter_is_brighter():
    brightness = HEAT_COLOURS @ (0.2126, 0.7152, 0.0722)
    assert HEAT_COLOURS.shape == (256, 3)
    assert (np.diff(brightness) > 0).all()


def test_nothing_of_the_images_metadata_reaches_the_png():
    photo = pictures.photo("coffee.png")
    photo.info |= {"comment": "where it was taken", "exif": b"Exif\0\0", "icc_profile": b"profile"}
    assert opened(overlay(photo, COLD, 100)).info == {}


def test_the_png_of_the_noisiest_picture_is_hardly_larger_than_its_pixels():
    random = np.random.default_rng(0)
    noise = Image.fromarray(random.integers(0, 256, (700, 700, 3), dtype=np.uint8))
    png = overlay(noise, random.random((14, 14), dtype=np.float32), 256)
    assert len(png) < 256 * 256 * 3 * 1.01
