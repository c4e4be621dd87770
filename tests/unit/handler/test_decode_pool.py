import hashlib

import numpy as np
import pytest

import pictures
from trust_nsfw.decode_pool import DecodePool
from trust_nsfw.images import decode
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import Failure, ImageInfo
from trust_nsfw.settings import Limits

SPEC = PreprocessingSpec.parse({"image_processor_type": "ViTImageProcessor", "size": 32})
PAYLOADS = [pictures.encode(pictures.picture(seed), "PNG") for seed in range(3)]
FILLING = 77


@pytest.fixture(scope="module")
def pool() -> DecodePool:
    return DecodePool(2, SPEC, Limits())


def drawn(pool: DecodePool, payload: bytes):
    """Return an image's views and all rows reserved for them."""
    [image] = pool.open([payload])
    rows = np.full((image.most_views, 32, 32, 3), FILLING, dtype=np.uint8)
    return pool.draw("aa", image, rows).result(), rows


@pytest.mark.parametrize("count", [0, 1, 3])
def test_hashes_come_in_the_order_of_their_images(pool, count):
    assert pool.digest(PAYLOADS[:count]) == [hashlib.sha256(payload).hexdigest() for payload in PAYLOADS[:count]]


def test_an_image_that_cannot_be_opened_is_a_failure_in_its_place(pool):
    first, second, third = pool.open([PAYLOADS[0], b"text", PAYLOADS[1]])
    assert (first.format, second.code, third.format) == ("PNG", "unsupported_format", "PNG")


def test_an_opaque_image_is_drawn_into_its_first_row(pool):
    infos, rows = drawn(pool, PAYLOADS[0])
    assert infos == (ImageInfo("aa", "PNG", 64, 48),)
    assert np.array_equal(rows[0], to_model_input(pictures.picture(0), SPEC))
    assert (rows[1:] == FILLING).all()


def test_a_transparent_animation_is_drawn_into_as_many_rows_as_it_may_have(pool):
    first, *others = [pictures.glass(seed) for seed in range(3)]
    payload = pictures.encode(first, "PNG", save_all=True, append_images=others)
    infos, rows = drawn(pool, payload)
    assert [(info.frame, info.background) for info in infos] == [
        (frame, background) for frame in range(3) for background in ("white", "black")
    ]
    expected = [to_model_input(view.rgb, SPEC) for view in decode(payload, Limits()).views]
    assert np.array_equal(rows, np.stack(expected))


def test_an_image_that_cannot_be_drawn_is_a_failure(pool):
    failure, _ = drawn(pool, pictures.truncated_jpeg())
    assert isinstance(failure, Failure)
    assert failure.code == "corrupt_image"


def test_an_image_may_be_drawn_in_the_callers_thread(pool):
    for payload, failed in ((PAYLOADS[0], False), (pictures.truncated_jpeg(), True)):
        [image] = pool.open([payload])
        rows = np.zeros((image.most_views, 32, 32, 3), dtype=np.uint8)
        here = pool.draw("aa", image, rows, here=True)
        assert here.done()
        assert isinstance(here.result(), Failure) == failed
        assert here.result() == drawn(pool, payload)[0]


def test_more_images_than_threads_keep_their_order(pool):
    opened = pool.open([*PAYLOADS, b"", *PAYLOADS[::-1], pictures.gif()])
    kinds = [image.code if isinstance(image, Failure) else image.format for image in opened]
    assert kinds == ["PNG"] * 3 + ["empty_image"] + ["PNG"] * 3 + ["GIF"]
