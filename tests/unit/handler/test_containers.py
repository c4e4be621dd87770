import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import bombs
import pictures
from trust_nsfw.containers import FORMATS, bmff, read
from trust_nsfw.errors import CorruptImage
from trust_nsfw.images import decode
from trust_nsfw.settings import Limits

MARKER = b"WHOEVER-TOOK-THIS"
FILES = pictures.every_format()


def reopened(body):
    """What Pillow finds in a cleaned file."""
    image = Image.open(BytesIO(body))
    image.load()
    return image


@pytest.mark.parametrize("kind", FILES)
def test_every_file_is_recognised_and_its_cleaned_body_shows_the_same_picture(kind):
    container = read(FILES[kind])
    assert container.format in FORMATS
    shown, whole = reopened(container.body).convert("RGBA"), reopened(FILES[kind]).convert("RGBA")
    assert np.array_equal(np.asarray(shown), np.asarray(whole))


@pytest.mark.parametrize("kind", FILES)
def test_cleaning_a_cleaned_file_changes_nothing(kind):
    body = read(FILES[kind]).body
    assert read(body).body == body


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "AVIF", "HEIF"])
def test_no_text_reaches_a_decoder(kind):
    texts = {"xmp": MARKER, "comment": MARKER, "description": MARKER.decode()}
    image = reopened(read(pictures.encode(pictures.picture(1), kind, **texts)).body)
    assert MARKER.decode() not in repr(image.info)
    assert MARKER not in (image.info.get("exif") or b"")


def test_a_jpeg_ends_with_its_first_picture():
    one, two = pictures.picture(1), pictures.picture(2)
    mpo = pictures.encode(one, "MPO", save_all=True, append_images=[two])
    body = read(mpo + MARKER).body
    assert reopened(body).format == "JPEG"
    assert body.endswith(b"\xff\xd9")
    assert body.count(b"\xff\xd9") == 1


def test_a_jpeg_keeps_what_decides_its_colours_and_its_orientation():
    payload = pictures.encode(
        Image.new("CMYK", (8, 8)), "JPEG", icc_profile=pictures.ink_profile(), exif=pictures.exif(6), comment=MARKER
    )
    info = reopened(read(payload).body).info
    assert info["icc_profile"] == pictures.ink_profile()
    assert {"adobe", "exif"} <= set(info)
    assert "comment" not in info


def test_a_progressive_jpeg_is_known_by_its_scans():
    assert [read(FILES[kind]).scans for kind in ("JPEG", "progressive JPEG")] == [1, 10]


def test_damage_to_metadata_alone_does_not_fail_a_png():
    chunk = bytearray(pictures.png_chunk(b"eXIf", pictures.exif(1)) + pictures.png_chunk(b"tEXt", b"a\0b"))
    chunk[-1] ^= 1
    chunk[20] ^= 1
    assert reopened(read(pictures.png((2, 2), 8, 0, bytes(6), bytes(chunk))).body).size == (2, 2)


def test_the_canvas_of_a_gif_covers_all_its_frames():
    far = b"," + struct.pack("<4H", 90, 50, 1, 1) + b"\0\x02\x02\x44\x01\0"
    container = read(bombs.gif_of_tiny_frames(2)[:-1] + far + b";")
    assert (reopened(container.body).size, container.frames) == ((91, 51), 3)


def test_a_gif_keeps_its_pace_and_its_loop():
    info = reopened(read(pictures.encode(pictures.picture(1), "GIF", save_all=True, loop=3,
                                         append_images=[pictures.picture(2)], duration=70)).body).info  # fmt: skip
    assert (info["loop"], info["duration"]) == (3, 70)


def test_the_pages_of_a_tiff_are_counted_until_one_comes_again():
    circle = bytearray(bombs.tiff([bombs.grey_page()] * 3, bytes(256)))
    circle[-4:] = struct.pack("<L", 8 + 256)
    assert read(bytes(circle)).frames == 3
    assert len(list(decode(bytes(circle), Limits()).views)) == 3


def test_a_big_tiff_is_cleaned_too():
    payload = pictures.encode(pictures.picture(1), "TIFF", big_tiff=True, description=MARKER.decode())
    assert payload[2] == 43
    assert 270 not in reopened(read(payload).body).tag_v2
    assert next(decode(payload, Limits()).views).rgb.size == (64, 48)


def test_tiff_directories_that_lie_within_each_other_are_corrupt():
    # The second page's number of tags is the type of the first page's tag 999. Hiding that leaves the second page
    # without tags, and makes of tag 999's count the address of a third page that nobody has looked at.
    third = struct.pack("<HHHLLL", 1, 270, 2, 4, 0, 0)
    whole = bytearray(bombs.tiff([bombs.grey_page((999, 7, 8, 8))], third.ljust(256, b"\0")))
    struct.pack_into("<L", whole, len(whole) - 4, len(whole) - 4 - 12 + 2)
    with pytest.raises(CorruptImage, match="overlap"):
        read(bytes(whole) + bytes(200))


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_no_picture_is_described_by_exif_or_xmp(kind):
    payload = pictures.encode(pictures.picture(1), kind, exif=pictures.exif(1, MARKER), xmp=MARKER)
    assert MARKER in payload
    info = reopened(read(payload).body).info
    assert not info.get("exif")
    assert not info.get("xmp")


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_a_colour_profile_stays_unless_it_is_larger_than_any_real_one(kind):
    small = pictures.profile()
    large = small.ljust(bmff.MAX_PROFILE_BYTES + 1, b"\0")
    kept, dropped = (
        reopened(read(pictures.encode(pictures.picture(1), kind, icc_profile=profile)).body).info.get("icc_profile")
        for profile in (small, large)
    )
    assert (kept, dropped) == (small, None)


def test_an_animated_webp_is_transparent_where_no_frame_covers_it():
    first, *others = [pictures.glass(seed) for seed in range(3)]
    payload = pictures.encode(first, "WEBP", save_all=True, append_images=others)
    assert reopened(payload).mode == "RGB"
    assert reopened(read(payload).body).getpixel((0, 0))[3] == 0


def test_bytes_that_fill_up_before_a_jpegs_markers_are_no_content_and_none_is_taken_for_one():
    plain = pictures.encode(pictures.picture(1), "JPEG")
    comment = b"\xff\xfe" + (2 + 4).to_bytes(2, "big") + b"abc\xff"
    quantisation = plain.index(b"\xff\xdb")
    filled = plain[:quantisation] + comment + b"\xff\xff" + comment + b"\xff" + plain[quantisation:]
    assert read(filled).body == plain[:quantisation] + b"\xff" + plain[quantisation:]
    assert read(read(filled).body).body == read(filled).body
