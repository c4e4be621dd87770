from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from measuring.pictures import SIZE, jpegs_of, photos
from traffic.fresh import Fresh


@pytest.fixture(scope="module")
def few() -> list[bytes]:
    return photos(5)


def pixels(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(jpeg)))


def test_photos_are_of_one_size_all_different_and_the_same_every_time(few):
    assert {Image.open(BytesIO(jpeg)).size for jpeg in few} == {SIZE}
    assert len(set(few)) == 5
    assert photos(5) == few
    assert photos(5, seed=1) != few


def test_photos_weigh_what_photos_weigh(few):
    assert all(80_000 < len(jpeg) < 250_000 for jpeg in few)


def test_fresh_bytes_never_repeat_and_decode_alike(few):
    fresh = Fresh()
    copies = [fresh.bytes_of(few[0]) for _ in range(50)] + [Fresh().bytes_of(few[0])]
    assert len({*copies, few[0]}) == 52
    assert all(np.array_equal(pixels(copy), pixels(few[0])) for copy in (copies[0], copies[-1]))


def test_a_folder_gives_its_jpegs_by_name_and_must_hold_some(tmp_path, few):
    with pytest.raises(ValueError, match="holds no"):
        jpegs_of(tmp_path)
    for name, jpeg in (("b.jpg", few[1]), ("a.JPEG", few[0])):
        (tmp_path / name).write_bytes(jpeg)
    (tmp_path / "notes.txt").write_text("not a picture")
    assert jpegs_of(tmp_path) == few[:2]


def test_a_file_that_only_bears_the_name_of_a_jpeg_is_refused(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"GIF89a")
    with pytest.raises(ValueError, match=r"a\.jpg is not a JPEG"):
        jpegs_of(tmp_path)
