"""Measures of pictures whose values are known."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from evaluation.picture_facts import PictureFacts, columns_of
from labelled_pictures import labelled_picture


def facts_of(image: Image.Image, kind: str = "PNG") -> PictureFacts:
    stream = io.BytesIO()
    image.save(stream, kind)
    found = PictureFacts.of(stream.getvalue())
    assert found is not None
    return found


def test_a_grey_picture_has_no_colour_and_its_own_brightness():
    found = facts_of(Image.new("RGB", (300, 100), (90, 90, 90)))
    assert found.aspect == 3
    assert found.brightness == pytest.approx(90)
    assert found.colourfulness == pytest.approx(0)


def test_colourfulness_is_hasler_and_suesstrunks_by_hand():
    """Left half red, right half blue: rg is 255 and 0, yb 127.5 and -255."""
    image = Image.new("RGB", (64, 64), (255, 0, 0))
    image.paste((0, 0, 255), (32, 0, 64, 64))
    spread, mean = np.hypot(127.5, 191.25), np.hypot(127.5, 63.75)
    assert facts_of(image).colourfulness == pytest.approx(spread + 0.3 * mean)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_most_drawings_look_drawn_and_most_photos_do_not(kind):
    drawn = [facts_of(labelled_picture(label, (3, k), 256), kind).is_drawn
             for label in ("drawing", "hentai") for k in range(15)]  # fmt: skip
    photos = [facts_of(labelled_picture(label, (3, k), 256), kind).is_drawn
              for label in ("neutral", "sexy", "porn") for k in range(15)]  # fmt: skip
    assert sum(drawn) >= 0.85 * len(drawn)
    assert sum(photos) <= 0.2 * len(photos)


def test_what_is_no_picture_has_no_facts():
    assert PictureFacts.of(b"not a picture") is None


def test_slices_are_named_and_those_without_facts_are_in_none():
    plain = facts_of(Image.new("RGB", (10, 10), (90, 90, 90)))
    bright = replace(plain, brightness=200.0, colourfulness=60.0, aspect=0.4, flatness=1.0)
    assert columns_of([plain, None, bright]) == {
        "aspect": ["square", "", "over 1:2, tall"],
        "brightness": ["64 to 127", "", "192 and more (bright)"],
        "colourfulness": ["under 5 (grey)", "", "59 and more"],
        "looks": ["drawn", "", "photographic"],
    }


def test_a_picture_one_pixel_wide_has_facts():
    assert facts_of(Image.new("RGB", (1, 40), (10, 20, 30))).flatness == 0
