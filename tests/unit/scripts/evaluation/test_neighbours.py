"""How alike two pictures are said to be."""

import pytest
from PIL import Image, ImageOps

from dataset.grouping import MIN_CORRELATION, correlation
from dataset.signature import Signature
from labelled_pictures import labelled_picture


@pytest.mark.parametrize(
    "change", [ImageOps.mirror, lambda image: image.resize((40, 40)), lambda image: image.convert("L").convert("RGB")]
)
def test_a_picture_is_alike_to_its_changed_self(change):
    picture = labelled_picture("neutral", 3)
    assert correlation(Signature.of(picture), Signature.of(change(picture))) > 0.98


def test_another_picture_is_not_and_a_flat_one_is_alike_to_nothing():
    picture, other = (Signature.of(labelled_picture("neutral", seed)) for seed in (3, 4))
    assert correlation(picture, other) < MIN_CORRELATION
    flat = Signature.of(Image.new("RGB", (64, 64), "white"))
    assert correlation(flat, flat) == correlation(flat, picture) == 0
