import numpy as np
import pytest
from PIL import Image

import pictures
from trust_nsfw.errors import CorruptImage, EmptyImage, ImageTooLarge, UnsupportedFormat
from trust_nsfw.images import decode, sampled_frames
from trust_nsfw.settings import Limits

LIMITS = Limits()


def views(payload, limits=LIMITS):
    return list(decode(payload, limits).views)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
def test_lossless_formats_give_back_the_pixels(kind):
    image = pictures.picture(1)
    options = {"lossless": True} if kind == "WEBP" else {}
    [view] = views(pictures.encode(image, kind, **options))
    assert np.array_equal(np.asarray(view.rgb), np.asarray(image))
    assert (view.frame, view.background) == (0, None)


def test_what_was_opened_is_described():
    decoded = decode(pictures.encode(pictures.picture(1, 64, 48), "PNG"), LIMITS)
    assert (decoded.format, decoded.width, decoded.height, decoded.frames) == ("PNG", 64, 48, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(orientation):
    upright = pictures.picture(2, 40, 24)
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # how a camera held so stores it
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decode(pictures.encode(stored, "PNG", exif=exif), LIMITS)
    assert (decoded.width, decoded.height) == (40, 24)
    [view] = decoded.views
    assert np.array_equal(np.asarray(view.rgb), np.asarray(upright))


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 40])
def test_unreadable_exif_is_taken_for_upright(exif):
    [view] = views(pictures.encode(pictures.picture(2), "JPEG", exif=exif))
    assert view.rgb.size == (64, 48)


def test_a_transparent_image_is_shown_on_white_and_on_black():
    image = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    image.putpixel((0, 0), (10, 20, 30, 255))
    white, black = views(pictures.encode(image, "PNG"))
    assert (white.background, black.background) == ("white", "black")
    assert white.rgb.getpixel((5, 5)) == (255, 255, 255)
    assert black.rgb.getpixel((5, 5)) == (0, 0, 0)
    assert white.rgb.getpixel((0, 0)) == black.rgb.getpixel((0, 0)) == (10, 20, 30)


def test_an_alpha_channel_that_hides_nothing_is_one_opaque_view():
    [view] = views(pictures.encode(pictures.picture(3).convert("RGBA"), "PNG"))
    assert view.background is None


def test_a_transparent_palette_is_shown_on_both_backgrounds():
    assert [view.background for view in views(pictures.transparent_palette_png())] == ["white", "black"]


def test_sixteen_bit_grey_keeps_its_tones():
    [view] = views(pictures.deep_png())
    expected = np.asarray(pictures.photo("coffee.png").convert("L"))
    assert np.array_equal(np.asarray(view.rgb)[..., 0], expected)


def test_floating_point_grey_from_zero_to_one_keeps_its_tones():
    grey = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    [view] = views(pictures.encode(Image.fromarray(grey), "TIFF"))
    assert np.array_equal(np.asarray(view.rgb)[..., 0].ravel(), np.arange(256))


def test_cmyk_comes_out_close_to_the_photo():
    [view] = views(pictures.cmyk_jpeg())
    difference = np.asarray(view.rgb).astype(int) - np.asarray(pictures.photo("coffee.png")).astype(int)
    assert np.abs(difference).mean() < 6


def test_an_animation_is_sampled_from_its_first_to_its_last_frame():
    decoded = decode(pictures.animated_gif(20), LIMITS)
    assert decoded.frames == 20
    assert [view.frame for view in decoded.views] == [0, 3, 5, 8, 11, 14, 16, 19]


def test_sampled_frames_are_distinct_and_never_more_than_asked():
    for frames in range(1, 60):
        for most in range(1, 9):
            sample = sampled_frames(frames, most)
            assert len(sample) == len(set(sample)) == min(frames, most)
            assert 0 <= min(sample) <= max(sample) < frames


def test_only_the_first_picture_of_a_phones_two_counts():
    first, second = pictures.picture(4), pictures.picture(5)
    decoded = decode(pictures.encode(first, "MPO", save_all=True, append_images=[second], quality=95), LIMITS)
    [view] = decoded.views
    assert (decoded.format, decoded.frames) == ("JPEG", 1)
    assert np.abs(np.asarray(view.rgb).astype(int) - np.asarray(first).astype(int)).mean() < 8


def test_bytes_after_the_image_do_no_harm():
    assert len(views(pictures.encode(pictures.picture(6), "PNG") + b"trailing garbage" * 100)) == 1


@pytest.mark.parametrize("payload", [b"hello, world", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\0"])
def test_what_is_no_accepted_image_is_unsupported(payload):
    with pytest.raises(UnsupportedFormat):
        decode(payload, LIMITS)


def test_no_bytes_are_an_empty_image():
    with pytest.raises(EmptyImage):
        decode(b"", LIMITS)


def test_a_truncated_jpeg_is_corrupt_and_the_message_shows_no_bytes():
    with pytest.raises(CorruptImage, match="cannot be decoded"):
        views(pictures.truncated_jpeg())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_file_cut_at_any_point_is_an_error_of_ours_or_still_an_image(kind):
    whole = pictures.encode(pictures.photo("chelsea.png").resize((120, 80)), kind)
    for end in range(1, len(whole), max(1, len(whole) // 40)):
        try:
            views(whole[:end])
        except (CorruptImage, UnsupportedFormat, ImageTooLarge):
            continue


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_a_damaged_file_is_an_error_of_ours_or_still_an_image(kind):
    whole = pictures.encode(pictures.picture(7), kind)
    random = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        for position in random.integers(0, len(whole), 5):
            damaged[position] = random.integers(0, 256)
        try:
            views(bytes(damaged))
        except (CorruptImage, UnsupportedFormat, ImageTooLarge):
            continue


def test_a_recognised_signature_with_a_broken_header_is_corrupt():
    with pytest.raises(CorruptImage):
        decode(b"\xff\xd8\xff\xe0" + b"\0" * 60, LIMITS)


def test_a_bomb_is_refused_from_its_header_alone():
    with pytest.raises(ImageTooLarge):
        decode(pictures.huge_png(), LIMITS)


@pytest.mark.parametrize(("size", "message"), [((101, 10), "101 pixels on the longer side; the limit is 100"),
                                               ((90, 90), "8,100 pixels; the limit is 8,000")])  # fmt: skip
def test_the_message_names_size_and_limit(size, message):
    payload = pictures.encode(pictures.picture(8, *size), "PNG")
    with pytest.raises(ImageTooLarge, match=message):
        decode(payload, Limits(max_side_px=100, max_pixels=8_000))
