import numpy as np
import pytest
from PIL import Image

from traffic.photographs import SOURCES, Look, original, variation

LOOK = Look(smallest_crop=0.6, grain=4.0)


def made(seed: int, size: tuple[int, int] = (300, 200), look: Look = LOOK, source: str = "coffee.png") -> np.ndarray:
    return np.asarray(variation(original(source), size, look, np.random.default_rng(seed)))


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_is_in_the_installed_package(name):
    assert original(name).mode == "RGB"
    assert min(original(name).size) >= 300


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (250, 250), (1000, 750)])
def test_a_variation_has_the_size_that_was_asked_for(size):
    assert made(0, size).shape == (size[1], size[0], 3)


def test_a_variation_is_the_same_for_the_same_seed_and_another_for_another():
    assert np.array_equal(made(0), made(0))
    assert not np.array_equal(made(0), made(1))


def test_it_leaves_the_source_as_it_was():
    before = original("coffee.png").tobytes()
    made(0, size=original("coffee.png").size)
    assert original("coffee.png").tobytes() == before


def test_grain_gives_an_enlarged_photo_the_detail_that_enlarging_cannot():
    def roughness(grain: float) -> float:
        levels = made(0, (1200, 900), Look(1.0, grain)).astype(float)
        return float(np.abs(np.diff(levels, axis=1)).mean())

    assert roughness(4.0) > 1.5 * roughness(0.0)


def test_without_a_tint_grey_stays_grey():
    levels = made(0, look=Look(0.6, 4.0, tint=0.0), source="camera.png").astype(int)
    assert np.ptp(levels, axis=2).max() <= 1
    assert Image.fromarray(levels.astype(np.uint8)).mode == "RGB"
