import struct

import numpy as np
import pytest
from PIL import Image

import pictures
from trust_nsfw.errors import CorruptImage, EmptyImage, ImageTooLarge, UnsupportedFormat
from trust_nsfw.images import decode, sampled_frames
from trust_nsfw.settings import Limits

LIMITS = Limits()


def difference(image, other):
    """Mean absolute difference per channel, of 255."""
    return np.abs(np.asarray(image).astype(int) - np.asarray(other).astype(int)).mean()


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright_once(kind, orientation):
    upright = pictures.photo("chelsea.png").resize((120, 80))
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # how a camera held so stores it
    stored = upright if undo is None else upright.transpose(Image.Transpose(undo))
    decoded = decode(pictures.encode(stored, kind, exif=pictures.exif(orientation)), LIMITS)
    [view] = decoded.views
    assert (decoded.width, decoded.height) == view.rgb.size == (120, 80)
    assert difference(view.rgb, upright) < 6


def test_the_orientation_of_a_png_may_stand_after_its_pixels():
    payload = pictures.encode(pictures.picture(2), "PNG")
    late = pictures.png_chunk(b"eXIf", pictures.exif(6).removeprefix(b"Exif\0\0"))
    assert decode(payload[:-12] + late + payload[-12:], LIMITS).width == 48


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


def test_sixteen_bit_grey_can_have_a_transparent_tone():
    tones = b"".join(b"\0" + struct.pack(">2H", 0x1234, 0x1235) for _ in range(2))
    payload = pictures.png((2, 2), 16, 0, tones, pictures.png_chunk(b"tRNS", b"\x12\x34"))
    white, black = views(payload)
    assert (white.rgb.getpixel((0, 0)), black.rgb.getpixel((0, 0))) == ((255, 255, 255), (0, 0, 0))
    assert white.rgb.getpixel((1, 0)) == black.rgb.getpixel((1, 0)) == (18, 18, 18)


@pytest.mark.parametrize(("bits", "colour_type", "row", "transparent"), [
    (1, 0, b"\x80", b"\0\1"),
    (2, 0, b"\x80", b"\0\2"),
    (4, 0, b"\x50", b"\0\5"),
    (8, 0, b"\x50\0", b"\0\x50"),
    (8, 2, b"\1\2\3\0\0\0", b"\0\1\0\2\0\3"),
    (16, 2, b"\1\2\3\4\5\6" + bytes(6), b"\1\2\3\4\5\6"),
])  # fmt: skip
def test_a_png_of_any_depth_can_have_a_transparent_colour(bits, colour_type, row, transparent):
    payload = pictures.png((2, 1), bits, colour_type, b"\0" + row, pictures.png_chunk(b"tRNS", transparent))
    white, black = views(payload)
    assert (white.rgb.getpixel((0, 0)), black.rgb.getpixel((0, 0))) == ((255, 255, 255), (0, 0, 0))
    assert white.rgb.getpixel((1, 0)) == black.rgb.getpixel((1, 0))


def test_grey_with_alpha_and_half_transparency_mix_with_the_background():
    white, black = views(pictures.encode(Image.new("LA", (4, 4), (100, 51)), "PNG"))
    assert (white.rgb.getpixel((0, 0)), black.rgb.getpixel((0, 0))) == ((224,) * 3, (20,) * 3)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I;16", "F"]
)
def test_a_tiff_of_any_mode_becomes_rgb(mode):
    grey = pictures.photo("coffee.png").resize((60, 40)).convert("L")
    image = {"I;16": lambda: Image.fromarray(np.asarray(grey).astype(np.uint16) * 257),
             "F": lambda: Image.fromarray(np.asarray(grey).astype(np.float32) / 255),
             "LAB": lambda: grey.convert("RGB").convert("LAB")}.get(mode, lambda: grey.convert(mode))()  # fmt: skip
    [view] = views(pictures.encode(image, "TIFF"))
    assert difference(view.rgb, (image if mode == "1" else grey).convert("RGB")) < 3


def tiff_of_colour(planar, bits):
    """A TIFF of 2 x 1 pixels, (1, 2, 3) and (4, 5, 6), as 8-bit samples or as the upper half of 16-bit ones."""
    planes = bytes([1, 4, 2, 5, 3, 6] if planar else [1, 2, 3, 4, 5, 6])
    data = planes if bits == 8 else b"".join(bytes([77, sample]) for sample in planes)
    offsets = [8 + plane * len(data) // 3 for plane in range(3)] if planar else [8]
    lengths = [len(data) // len(offsets)] * len(offsets)
    tables = struct.pack("<3H", bits, bits, bits), struct.pack("<3L", *offsets, *[0] * (3 - len(offsets)))
    at = 8 + len(data)
    tags = [(256, 3, 1, 2), (257, 3, 1, 1), (258, 3, 3, at), (259, 3, 1, 1), (262, 3, 1, 2),
            (273, 4, len(offsets), at + 6 if planar else 8), (277, 3, 1, 3), (278, 3, 1, 1),
            (279, 4, len(lengths), at + 18 if planar else len(data)), (284, 3, 1, 2 if planar else 1)]  # fmt: skip
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHLL", *tag) for tag in tags) + bytes(4)
    data += tables[0] + tables[1] + struct.pack(f"<{len(lengths)}L", *lengths)
    return b"II*\0" + struct.pack("<L", 8 + len(data)) + data + directory


@pytest.mark.parametrize("planar", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_a_tiff_may_be_planar_and_deep(planar, bits):
    [view] = views(tiff_of_colour(planar, bits))
    assert [view.rgb.getpixel((x, 0)) for x in range(2)] == [(1, 2, 3), (4, 5, 6)]


def test_the_pages_of_a_tiff_are_its_frames():
    decoded = decode(pictures.animation("TIFF", 3), LIMITS)
    assert decoded.frames == 3
    assert [difference(view.rgb, pictures.picture(view.frame)) for view in decoded.views] == [0, 0, 0]


def test_values_that_are_no_numbers_are_black():
    grey = np.array([[0, 0.5, np.nan, np.inf, 1]], np.float32)
    [view] = views(pictures.encode(Image.fromarray(grey), "TIFF"))
    assert np.asarray(view.rgb)[0, :, 0].tolist() == [0, 128, 0, 0, 255]


def test_cmyk_comes_out_close_to_the_photo():
    [view] = views(pictures.cmyk_jpeg())
    assert difference(view.rgb, pictures.photo("coffee.png")) < 6


def cmyk_with_profile(profile):
    return pictures.encode(Image.new("CMYK", (16, 16), (40, 80, 120, 20)), "JPEG", icc_profile=profile, quality=100)


def test_a_cmyk_profile_decides_what_its_numbers_mean():
    sparse, dense = (
        views(pictures.encode(Image.new("CMYK", (8, 8), (ink,) * 4), "JPEG", icc_profile=pictures.ink_profile()))[0]
        for ink in (50, 200)
    )
    assert np.asarray(sparse.rgb).mean() + 50 < np.asarray(dense.rgb).mean()


@pytest.mark.parametrize("profile", [b"garbage", b"\0" * 200, pictures.profile(), pictures.profile()[:300]])
def test_a_profile_that_is_broken_or_of_another_colour_space_is_passed_over(profile):
    [plain] = views(cmyk_with_profile(None))
    [view] = views(cmyk_with_profile(profile))
    assert difference(plain.rgb, view.rgb) == 0


def test_an_rgb_profile_does_not_reach_the_model():
    image = pictures.picture(9)
    [view] = views(pictures.encode(image, "PNG", icc_profile=pictures.profile("swapped")))
    assert difference(view.rgb, image) == 0


def test_an_animation_is_sampled_from_its_first_to_its_last_frame():
    decoded = decode(pictures.animated_gif(20), LIMITS)
    assert decoded.frames == 20
    assert [view.frame for view in decoded.views] == [0, 3, 5, 8, 11, 14, 16, 19]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "HEIF", "TIFF"])
def test_every_format_that_holds_frames_is_sampled(kind):
    decoded = decode(pictures.animation(kind, 12), LIMITS)
    assert decoded.frames == 12
    for view in list(decoded.views):
        assert difference(view.rgb, pictures.picture(view.frame)) < 12


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_a_transparent_animation_is_shown_on_both_backgrounds_frame_by_frame(kind):
    first, *others = [pictures.glass(seed) for seed in range(3)]
    payload = pictures.encode(first, kind, save_all=True, append_images=others, disposal=2)
    shown = views(payload)
    assert [(view.frame, view.background) for view in shown] == [(n, b) for n in range(3) for b in ("white", "black")]
    for view in shown:
        expected = 255 if view.background == "white" else 0
        assert abs(np.asarray(view.rgb)[:, :24].astype(int) - expected).max() < 12
        assert difference(view.rgb.crop((40, 0, 64, 48)), pictures.picture(view.frame).crop((40, 0, 64, 48))) < 12


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


FOREIGN = {
    "text": b"hello, world",
    "SVG": b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>",
    "PSD": b"8BPS\0\1" + bytes(20),
    "video": b"\0\0\0\x18ftypisom\0\0\2\0isomavif" + bytes(40),
    "two letters": b"BMW is no bitmap, whatever its first letters say",
    "sound": b"RIFF\x24\0\0\0WAVEfmt " + bytes(40),
    "one byte": b"\0",
} | {kind: pictures.encode(pictures.picture(1), kind)
     for kind in ("PDF", "EPS", "ICO", "ICNS", "PPM", "TGA", "PCX", "SGI", "DDS", "QOI", "JPEG2000")}  # fmt: skip


@pytest.mark.parametrize("payload", FOREIGN.values(), ids=FOREIGN)
def test_what_is_no_accepted_image_is_unsupported(payload):
    with pytest.raises(UnsupportedFormat, match="accepted format: JPEG, PNG, WEBP, GIF, BMP, TIFF, AVIF, HEIF"):
        decode(payload, LIMITS)


def test_no_bytes_are_an_empty_image():
    with pytest.raises(EmptyImage):
        decode(b"", LIMITS)


def test_a_truncated_jpeg_is_corrupt_and_the_message_shows_no_bytes():
    with pytest.raises(CorruptImage, match="cannot be decoded"):
        views(pictures.truncated_jpeg())


FILES = pictures.every_format()


@pytest.mark.parametrize("kind", FILES)
def test_every_accepted_file_is_read(kind):
    shown = views(FILES[kind])
    assert all(view.rgb.mode == "RGB" and set(view.rgb.info) <= {"icc_profile"} for view in shown)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_cut_at_any_point_is_an_error_of_ours_or_still_an_image(kind):
    whole = FILES[kind]
    for end in range(1, len(whole), max(1, len(whole) // 40)):
        try:
            views(whole[:end])
        except (CorruptImage, UnsupportedFormat, ImageTooLarge):
            continue


@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_an_error_of_ours_or_still_an_image(kind):
    whole = FILES[kind]
    random = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        for position in random.integers(0, len(whole), 5):
            damaged[position] = random.integers(0, 256)
        try:
            views(bytes(damaged))
        except (CorruptImage, UnsupportedFormat, ImageTooLarge):
            continue


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "animated GIF"])
def test_a_file_cut_in_the_middle_is_corrupt(kind):
    with pytest.raises(CorruptImage, match="cannot be decoded"):
        views(FILES[kind][: len(FILES[kind]) // 2])


def test_a_recognised_signature_with_a_broken_header_is_corrupt():
    with pytest.raises(CorruptImage):
        decode(b"\xff\xd8\xff\xe0" + b"\0" * 60, LIMITS)


def test_a_bomb_is_refused_from_its_header_alone():
    with pytest.raises(ImageTooLarge):
        decode(pictures.huge_png(), LIMITS)


def test_the_message_of_a_bomb_names_the_limit():
    with pytest.raises(ImageTooLarge, match="far more pixels than the limit of 50,000,000"):
        decode(pictures.huge_png(), LIMITS)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_an_animation_is_refused_by_the_pixels_of_all_its_frames_before_any_is_decoded(kind):
    payload = pictures.animation(kind, 12)
    with pytest.raises(ImageTooLarge, match="49,152 pixels in all frames; the limit is 49,151"):
        decode(payload, Limits(max_animation_pixels=49_151))
    assert len(views(payload, Limits(max_animation_pixels=49_152))) == 8
    assert len(views(payload, Limits(max_animation_pixels=49_151, max_frames=1))) == 1


def test_of_pages_only_those_that_are_looked_at_count():
    payload = pictures.animation("TIFF", 12)
    assert len(views(payload, Limits(max_animation_pixels=8 * 64 * 48))) == 8
    with pytest.raises(ImageTooLarge, match="24,576 pixels in all frames; the limit is 24,575"):
        views(payload, Limits(max_animation_pixels=8 * 64 * 48 - 1))


@pytest.mark.parametrize(("size", "message"), [((101, 10), "101 pixels on the longer side; the limit is 100"),
                                               ((90, 90), "8,100 pixels; the limit is 8,000")])  # fmt: skip
def test_the_message_names_size_and_limit(size, message):
    payload = pictures.encode(pictures.picture(8, *size), "PNG")
    with pytest.raises(ImageTooLarge, match=message):
        decode(payload, Limits(max_side_px=100, max_pixels=8_000))


@pytest.mark.parametrize(
    ("at_least", "drawn", "box"),
    [
        (None, (660, 490), None),
        ((331, 246), (660, 490), None),
        ((320, 240), (330, 245), None),
        ((160, 120), (165, 123), (0, 0, 165, 122.5)),
        ((82, 61), (83, 62), (0, 0, 82.5, 61.25)),
        ((10, 10), (83, 62), (0, 0, 82.5, 61.25)),
        ((320, 10), (330, 245), None),
    ],
)
def test_a_jpeg_is_decoded_at_the_smallest_fraction_that_is_large_enough(at_least, drawn, box):
    decoded = decode(pictures.encode(pictures.picture(1, 660, 490), "JPEG"), LIMITS, at_least)
    [view] = decoded.views
    assert (decoded.width, decoded.height) == (660, 490)
    assert (view.rgb.size, view.box) == (drawn, box)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_shrunken_jpeg_shows_the_same_in_its_box_in_every_orientation(orientation):
    payload = pictures.encode(
        pictures.photo("chelsea.png").resize((661, 487)), "JPEG", quality=95, exif=pictures.exif(orientation)
    )
    swapped = orientation >= 5
    whole, small = (decode(payload, LIMITS, least) for least in (None, (60, 80) if swapped else (80, 60)))
    [full], [shrunken] = whole.views, small.views
    assert (small.width, small.height) == (whole.width, whole.height) == full.rgb.size
    assert shrunken.rgb.size == ((61, 83) if swapped else (83, 61))
    size = (30, 40) if swapped else (40, 30)
    expected = full.rgb.resize(size, Image.Resampling.BILINEAR)
    inside = shrunken.rgb.resize(size, Image.Resampling.BILINEAR, shrunken.box)
    # at an eighth, a box at the wrong end is off by a whole percent of the picture
    assert difference(inside, expected) < 0.7 * difference(
        shrunken.rgb.resize(size, Image.Resampling.BILINEAR), expected
    )


@pytest.mark.parametrize("mode", ["L", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_any_kind_shrinks_to_the_same_colours(mode, progressive):
    image = pictures.photo("coffee.png").resize((640, 480)).convert(mode)
    payload = pictures.encode(image, "JPEG", quality=95, progressive=progressive)
    [full], [shrunken] = decode(payload, LIMITS).views, decode(payload, LIMITS, (160, 120)).views
    assert (shrunken.rgb.mode, shrunken.rgb.size) == ("RGB", (160, 120))
    assert difference(shrunken.rgb, full.rgb.resize((160, 120), Image.Resampling.BOX)) < 1.5


def test_a_truncated_jpeg_is_corrupt_at_any_size():
    for progressive in (False, True):
        whole = pictures.encode(pictures.photo("coffee.png").resize((640, 480)), "JPEG", progressive=progressive)
        with pytest.raises(CorruptImage, match="cannot be decoded"):
            list(decode(whole[: len(whole) // 2], LIMITS, (80, 60)).views)


def test_the_limits_hold_for_the_whole_jpeg_however_small_it_would_be_drawn():
    payload = pictures.encode(pictures.picture(1, 640, 480), "JPEG")
    for limits in (Limits(max_pixels=300_000), Limits(max_side_px=600)):
        with pytest.raises(ImageTooLarge):
            decode(payload, limits, (80, 60))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF"])
def test_other_formats_are_decoded_whole(kind):
    [view] = decode(pictures.encode(pictures.picture(1, 640, 480), kind), LIMITS, (80, 60)).views
    assert (view.rgb.size, view.box) == ((640, 480), None)


def test_how_many_views_there_may_be_is_known_before_they_are_drawn():
    payloads = [pictures.encode(pictures.picture(1), "JPEG"), pictures.encode(pictures.picture(1), "PNG"),
                pictures.animated_gif(3), pictures.animated_gif(20)]  # fmt: skip
    opened = [decode(payload, LIMITS) for payload in payloads]
    assert [(image.least_views, image.most_views) for image in opened] == [(1, 1), (1, 2), (3, 6), (8, 16)]
