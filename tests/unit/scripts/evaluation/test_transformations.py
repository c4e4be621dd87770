"""Each transformation is what it says, at the size it says."""

import io

import numpy as np
import pytest
from PIL import Image

from evaluation import transformations
from evaluation.transformations import CONTROL, TRANSFORMATIONS
from pictures import photo

CAT = photo("chelsea.png")
BY_NAME = {one.name: one for one in TRANSFORMATIONS}


def applied(name: str) -> Image.Image:
    return Image.open(io.BytesIO(BY_NAME[name].apply(CAT)))


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).mean())


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_result_is_a_jpeg_in_rgb_of_the_size_it_should_have(name):
    sizes = {"crop": (361, 240), "border": (587, 390)}
    image = applied(name)
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", sizes.get(name, (451, 300)))


def test_the_control_changes_next_to_nothing_and_low_quality_more_with_fewer_bytes():
    assert difference(applied("reencoded"), CAT) < 2 < difference(applied("jpeg30"), CAT) < 12
    assert len(BY_NAME["jpeg30"].apply(CAT)) < len(CONTROL.apply(CAT)) / 4


def test_a_flip_is_undone_by_another():
    assert difference(applied("flip").transpose(Image.Transpose.FLIP_LEFT_RIGHT), CAT) < 2


def test_a_crop_is_the_middle():
    assert difference(applied("crop"), CAT.crop((45, 30, 406, 270))) < 2


def test_a_border_is_black_and_holds_the_whole_picture():
    image = applied("border")
    assert np.asarray(image)[:40].max() < 20
    assert difference(image.crop((68, 45, 519, 345)), CAT) < 2


def test_greyscale_has_no_colour():
    pixels = np.asarray(applied("greyscale"), dtype=int)
    assert np.abs(pixels - pixels.mean(axis=2, keepdims=True)).max() <= 2


def test_text_lies_over_the_picture_and_leaves_most_of_it():
    changed = np.abs(np.asarray(applied("text"), dtype=int) - np.asarray(CAT, dtype=int)).max(axis=2) > 60
    assert 0.02 < changed.mean() < 0.5
    thirds = np.array_split(changed, 3)
    assert all(part.any() for part in thirds)


@pytest.mark.parametrize(("name", "share"), [("inset_quarter", 1 / 4), ("inset_ninth", 1 / 9)])
def test_an_inset_covers_its_share_of_a_plain_picture(name, share):
    plain = np.array(transformations.BACKGROUND_COLOUR)
    covered = np.abs(np.asarray(applied(name), dtype=int) - plain).max(axis=2) > 12
    assert covered.mean() == pytest.approx(share, rel=0.15)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_a_tiny_picture_survives(name):
    tiny = Image.open(io.BytesIO(BY_NAME[name].apply(Image.new("RGB", (2, 3), (9, 200, 30)))))
    assert min(tiny.size) >= 2
