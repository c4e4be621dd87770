import numpy as np
import pytest

from traffic.drawings import STYLES, sticker

SIZES = [(240, 160), (160, 240), (97, 97)]


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
@pytest.mark.parametrize("size", SIZES)
def test_a_drawing_is_opaque_and_of_its_size(style, size):
    image = style(size, np.random.default_rng(0))
    assert (image.mode, image.size) == ("RGB", size)
    assert len(image.getcolors(1_000_000)) >= 5  # ink, paper, and the greys of smooth edges


@pytest.mark.parametrize("style", [*STYLES, sticker], ids=lambda style: style.__name__)
def test_a_drawing_is_the_same_for_the_same_seed_and_another_for_another(style):
    first, again, other = (style((240, 160), np.random.default_rng(seed)).tobytes() for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.__name__)
def test_a_drawing_is_mostly_flat_colours(style):
    image = style((480, 360), np.random.default_rng(3))
    counts = sorted((count for count, _ in image.getcolors(1_000_000)), reverse=True)
    assert sum(counts[:12]) > 0.75 * image.width * image.height


@pytest.mark.parametrize("size", SIZES)
def test_a_sticker_is_transparent_around_and_opaque_within(size):
    image = sticker(size, np.random.default_rng(0))
    alpha = image.getchannel("A")
    assert image.size == size
    assert alpha.getpixel((0, 0)) == 0
    assert alpha.getpixel((size[0] // 2, size[1] // 2)) == 255
