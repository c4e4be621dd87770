from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw

from traffic.call import Picture
from traffic.fresh import Fresh
from trust_nsfw.images import decode
from trust_nsfw.settings import Limits

LIMITS = Limits()


def drawing(mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (61, 47), "teal")  # odd sides: WebP pads chunks to even lengths
    ImageDraw.Draw(image).ellipse((9, 5, 40, 33), fill=(200, 90, 20, 120)[: len(mode)])
    return image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


EXIF = Image.Exif()
EXIF[0x0112] = 6

FILES = {
    "JPEG": encoded(drawing(), "JPEG"),
    "progressive JPEG": encoded(drawing(), "JPEG", progressive=True),
    "JPEG with EXIF": encoded(drawing(), "JPEG", exif=EXIF),
    "PNG": encoded(drawing(), "PNG"),
    "transparent PNG": encoded(drawing("RGBA"), "PNG"),
    "palette PNG": encoded(drawing().quantize(8), "PNG", transparency=0),
    "VP8": encoded(drawing(), "WEBP", quality=70),
    "VP8L": encoded(drawing(), "WEBP", lossless=True),
    "VP8X": encoded(drawing("RGBA"), "WEBP", quality=70),
    "VP8X with EXIF": encoded(drawing(), "WEBP", exif=EXIF),
    "animated VP8X": encoded(drawing(), "WEBP", save_all=True, append_images=[drawing().rotate(90)]),
}


def pixels(payload: bytes) -> np.ndarray:
    with Image.open(BytesIO(payload)) as image:
        return np.asarray(image.convert("RGBA"))


def views(payload: bytes) -> list[np.ndarray]:
    return [np.asarray(view.rgb) for view in decode(payload, LIMITS).views]


@pytest.mark.parametrize("kind", FILES)
def test_the_samples_are_of_the_forms_that_they_are_named_after(kind):
    form = FILES[kind][12:16].decode(errors="replace").strip()
    assert not kind.rpartition(" ")[2].startswith("VP8") or form in kind.split()


@pytest.mark.parametrize("kind", FILES)
def test_new_bytes_have_the_same_pixels_for_pillow_and_for_the_service(kind):
    payload, fresh = FILES[kind], Fresh()
    for _ in range(2):
        again = fresh.bytes_of(payload)
        assert again != payload
        assert np.array_equal(pixels(again), pixels(payload))
        assert len(views(again)) == len(views(payload))
        assert all(np.array_equal(new, old) for new, old in zip(views(again), views(payload), strict=True))


@pytest.mark.parametrize("kind", FILES)
def test_a_file_made_new_twice_is_still_sound(kind):
    again = Fresh().bytes_of(Fresh().bytes_of(FILES[kind]))
    assert np.array_equal(pixels(again), pixels(FILES[kind]))


@pytest.mark.parametrize("kind", FILES)
def test_it_adds_a_few_bytes_and_changes_none_of_the_picture(kind):
    assert 0 < len(Fresh().bytes_of(FILES[kind])) - len(FILES[kind]) <= 28


def test_a_webp_says_its_own_length_and_keeps_what_follows_it():
    again = Fresh().bytes_of(FILES["VP8"] + b"more")
    assert again.endswith(b"more")
    assert int.from_bytes(again[4:8], "little") == len(again) - len(b"more") - 8


def test_no_bytes_come_twice_from_one_process_or_from_two():
    fresh = Fresh()
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: fresh.bytes_of(FILES["PNG"]), range(2_000)))
    assert len({*made, Fresh().bytes_of(FILES["PNG"]), FILES["PNG"]}) == 2_002


def test_a_bad_file_stays_as_it_is():
    bad = Picture("bad", FILES["JPEG"][:200], "image/jpeg", error="corrupt_image")
    assert Fresh().payload_of(bad) is bad.payload
    good = Picture("good", FILES["JPEG"], "image/jpeg")
    assert Fresh().payload_of(good) != good.payload


def test_a_file_of_another_format_is_refused():
    with pytest.raises(ValueError, match=r"neither a JPEG nor a PNG nor a WebP: it begins with b'GIF89a'"):
        Fresh().bytes_of(b"GIF89a")
