"""Augmented pictures: other pictures, of the same thing, of the same hues."""

import colorsys
import random

import numpy as np
import pytest
from PIL import Image, ImageChops

from labelled_pictures import labelled_picture
from training.augmentation import LARGEST_SIDE_PX, SMALLEST_CUT, augmented

SEEDS = range(60)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (64, 48), (1500, 900)])
def test_any_size_comes_out_rgb_within_its_limits(size):
    picture = Image.effect_noise(size, 60).convert("RGB")
    for seed in SEEDS if size[0] < 1000 else range(8):
        after = augmented(picture, random.Random(seed))
        assert after.mode == "RGB"
        assert min(after.size) >= 1
        # A frame of 15 % of the smaller side at most is added on each side, after the limit.
        assert max(after.size) <= 1.3 * min(LARGEST_SIDE_PX, max(size)) + 2
        assert after.width >= min(SMALLEST_CUT * size[0], 0.4 * LARGEST_SIDE_PX) - 1


def test_the_same_seed_gives_the_same_picture_and_another_one_another():
    picture = labelled_picture("neutral", 5)
    first, again = (augmented(picture, random.Random(8)) for _ in range(2))
    assert first.tobytes() == again.tobytes()
    assert len({augmented(picture, random.Random(seed)).tobytes() for seed in SEEDS}) > 50


@pytest.mark.parametrize("colour", [(200, 90, 60), (60, 160, 90), (70, 90, 200), (224, 172, 140)])
def test_hues_stay(colour):
    """Of the middle, where neither a frame nor a turned corner is."""
    before = colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))[0]
    for seed in SEEDS:
        after = augmented(Image.new("RGB", (64, 64), colour), random.Random(seed))
        middle = after.getpixel((after.width // 2, after.height // 2))
        hue = colorsys.rgb_to_hsv(*(channel / 255 for channel in middle))[0]
        assert abs((hue - before + 0.5) % 1 - 0.5) < 0.03, f"seed {seed}: {middle}"


def test_grey_stays_grey():
    for seed in SEEDS:
        after = np.asarray(augmented(Image.new("RGB", (64, 64), (120, 120, 120)), random.Random(seed))).astype(int)
        assert np.ptp(after, axis=2).max() <= 3


def test_a_picture_stays_upright():
    """The upper half is white: nothing turns or flips it so that it would not be above the lower one."""
    picture = Image.new("RGB", (64, 64), "black")
    picture.paste("white", (0, 0, 64, 32))
    for seed in SEEDS:
        after = np.asarray(augmented(picture, random.Random(seed)).convert("L")).astype(float)
        third = len(after) // 3
        middle = after[:, after.shape[1] // 3 : -after.shape[1] // 3]
        assert middle[third // 2 : third].mean() > middle[-third : -third // 2].mean() + 60, f"seed {seed}"


def test_the_original_is_left_as_it_was():
    picture = labelled_picture("sexy", 5)
    copy = picture.copy()
    for seed in range(10):
        augmented(picture, random.Random(seed))
    assert ImageChops.difference(picture, copy).getbbox() is None
