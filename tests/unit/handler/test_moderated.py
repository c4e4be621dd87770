from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageSequence

import pictures
from trust_nsfw import moderated as module
from trust_nsfw.errors import CorruptImage, EmptyImage, ImageTooLarge, UnsupportedFormat
from trust_nsfw.moderated import MAX_BODY_BYTES, cells, from_cells, moderated
from trust_nsfw.schema import Action
from trust_nsfw.settings import Limits

LIMITS = Limits()
MARKER = b"WHOEVER-TOOK-THIS"
FILES = pictures.every_format()


def opened(answer):
    """The answer's picture, decoded by Pillow alone; what the answer says of itself is checked on the way."""
    image = Image.open(BytesIO(answer.body))
    image.load()
    assert (answer.width, answer.height) == image.size
    assert answer.content_type == Image.MIME[image.format]
    return image


def difference(image, other):
    """Mean absolute difference per channel, of 255."""
    assert image.size == other.size
    return np.abs(np.asarray(image.convert("RGB")).astype(int) - np.asarray(other.convert("RGB")).astype(int)).mean()


def shuffled_within_cells(image, cell_px, seed=0):
    """The same pixels in another order within every square that the blur averages."""
    random = np.random.default_rng(seed)
    pixels = np.asarray(image).copy()
    for top in range(0, pixels.shape[0], cell_px):
        for left in range(0, pixels.shape[1], cell_px):
            square = pixels[top : top + cell_px, left : left + cell_px]
            square[:] = random.permutation(square.reshape(-1, 3)).reshape(square.shape)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_two_pictures_of_equal_averages_become_the_very_same_bytes(kind):
    grey = pictures.photo("coffee.png").convert("L" if kind == "GIF" else "RGB").convert("RGB")  # a GIF holds 256 tones
    other = shuffled_within_cells(grey, 100)
    assert difference(grey, other) > 20
    if kind == "GIF":
        grey, other = grey.convert("L"), other.convert("L")
    first, second = (moderated(pictures.encode(image, kind), Action.BLUR, LIMITS) for image in (grey, other))
    assert first.body == second.body


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (16, 16), (48, 30), (600, 400), (400, 6_000)])
def test_no_more_than_thirty_six_colours_of_a_picture_survive_a_blur(size):
    averages = cells(pictures.photo("coffee.png").resize(size))
    assert averages.mode == "RGB"
    assert max(averages.size) <= min(6, -(-max(size) // 8))


def test_a_blurred_picture_is_made_of_its_averages_alone():
    photo = pictures.photo("astronaut.png")
    answer = moderated(pictures.encode(photo, "PNG"), Action.BLUR, LIMITS)
    assert difference(opened(answer), from_cells(cells(photo), photo.size)) == 0


def test_a_blurred_picture_has_no_edges():
    for name in pictures.PHOTOS:
        image = opened(moderated(pictures.encode(pictures.photo(name), "PNG"), Action.BLUR, LIMITS))
        pixels = np.asarray(image).astype(int)
        assert np.abs(np.diff(pixels, axis=0)).max() <= 6
        assert np.abs(np.diff(pixels, axis=1)).max() <= 6


@pytest.mark.parametrize("kind", FILES)
def test_every_file_is_blurred_to_an_opaque_still(kind):
    image = opened(moderated(FILES[kind], Action.BLUR, LIMITS))
    assert getattr(image, "n_frames", 1) == 1
    assert not image.has_transparency_data


def test_the_shape_of_a_transparent_picture_does_not_survive_a_blur():
    image = opened(moderated(pictures.encode(pictures.glass(1, 320, 240), "PNG"), Action.BLUR, LIMITS))
    assert image.mode == "RGB"
    assert np.abs(np.diff(np.asarray(image).astype(int), axis=1)).max() < 10


@pytest.mark.parametrize("action", [Action.ALLOW, Action.REVIEW])
@pytest.mark.parametrize("kind", FILES)
def test_every_file_is_shown_as_it_was_where_it_is_not_blurred(kind, action):
    image = opened(moderated(FILES[kind], action, LIMITS))
    container, *_ = [word for word in kind.split() if word.isupper() and word not in {"CMYK", "MPO"}] or ["JPEG"]
    moving = kind.startswith("animated")
    others = "WEBP" if moving else "JPEG"
    assert image.format == (container if container in {"JPEG", "PNG", "WEBP", "GIF"} else others)
    assert getattr(image, "n_frames", 1) == (4 if moving else 1)
    if "CMYK" not in kind and "transparent" not in kind:
        assert difference(image, Image.open(BytesIO(FILES[kind])).convert("RGB").resize(image.size)) < 80


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_the_orientation_is_applied(kind):
    upright = pictures.photo("chelsea.png")
    stored = upright.transpose(Image.Transpose.ROTATE_90)
    image = opened(moderated(pictures.encode(stored, kind, exif=pictures.exif(6)), Action.ALLOW, LIMITS))
    assert difference(image, upright) < 6
    assert not image.getexif()


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "AVIF", "HEIF"])
def test_transparency_is_kept_where_nothing_is_blurred(kind):
    glass = pictures.glass(1)
    image = opened(moderated(pictures.encode(glass, kind), Action.ALLOW, LIMITS))
    assert image.format == (kind if kind in {"PNG", "WEBP", "GIF"} else "PNG")
    alpha = np.asarray(image.convert("RGBA"))[..., 3]
    assert alpha[:, :28].max() == 0
    assert alpha[:, 36:].min() == 255


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
@pytest.mark.parametrize("is_glass", [False, True])
def test_an_animation_stays_one_with_its_frames_and_its_pace(kind, is_glass):
    frames = [(pictures.glass if is_glass else pictures.picture)(seed) for seed in range(5)]
    pace = {"duration": [50, 100, 200, 400, 90], "disposal": 2}
    payload = pictures.encode(frames[0], kind, save_all=True, append_images=frames[1:], **pace)
    answer = moderated(payload, Action.ALLOW, LIMITS)
    image = opened(answer)
    assert image.n_frames == 5
    durations = []
    for shown, frame in zip(ImageSequence.Iterator(image), frames, strict=True):
        shown.load()
        durations.append(round(shown.info["duration"]))
        left, right = (shown.convert("RGBA").crop((x, 0, x + 24, 48)) for x in (0, 40))
        assert difference(right, frame.crop((40, 0, 64, 48))) < 16
        assert np.asarray(left)[..., 3].max() == (0 if is_glass else 255)
    assert durations == pace["duration"]


def test_a_hidden_first_picture_of_an_animated_png_is_not_shown():
    hidden, first, second = (pictures.picture(seed) for seed in range(3))
    payload = pictures.encode(hidden, "PNG", save_all=True, append_images=[first, second], default_image=True,
                              duration=[100, 100])  # fmt: skip
    image = opened(moderated(payload, Action.ALLOW, LIMITS))
    assert [difference(shown, frame) for shown, frame in zip(ImageSequence.Iterator(image), (first, second),
                                                             strict=True)] == [0, 0]  # fmt: skip


def test_a_heif_shows_its_main_picture():
    first, second = pictures.picture(1), pictures.picture(2)
    payload = pictures.encode(first, "HEIF", save_all=True, append_images=[second], primary_index=1)
    assert difference(opened(moderated(payload, Action.ALLOW, LIMITS)), second) < 12


@pytest.mark.parametrize("action", [Action.ALLOW, Action.BLUR])
@pytest.mark.parametrize("alpha", [0, 99, 255])
def test_a_wide_gamut_is_converted_and_not_dropped(alpha, action):
    image = Image.new("RGBA", (9, 8), (200, 40, 10, 255))
    image.putpixel((8, 7), (200, 40, 10, alpha))
    payload = pictures.encode(image, "PNG", icc_profile=pictures.profile("swapped"))
    shown = opened(moderated(payload, action, LIMITS))
    assert "icc_profile" not in shown.info
    assert shown.getpixel((4, 4))[2] > 100 > shown.getpixel((4, 4))[0]
    if action is Action.ALLOW and alpha < 255:
        assert shown.getpixel((8, 7))[3] == alpha


@pytest.mark.parametrize("action", [Action.ALLOW, Action.BLUR])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF", "MPO"])
@pytest.mark.parametrize("frames", [1, 3])
def test_nothing_but_pixels_reaches_the_answer(kind, frames, action):
    profile = pictures.profile()
    profile += MARKER
    texts = {"exif": pictures.exif(1, MARKER), "xmp": MARKER, "comment": MARKER, "description": MARKER.decode()}
    first, *others = [pictures.picture(seed) for seed in range(frames)]
    moving = {"save_all": True, "append_images": others} if frames > 1 and kind not in {"JPEG", "BMP"} else {}
    payload = pictures.encode(first, kind, icc_profile=profile, **texts, **moving) + MARKER
    answer = moderated(payload, action, LIMITS)
    assert payload.count(MARKER) > (0 if kind == "BMP" else 1)
    assert MARKER not in answer.body
    metadata = {"exif", "xmp", "comment", "icc_profile", "dpi", "photoshop", "Comment", "XML:com.adobe.xmp"}
    assert not metadata & set(opened(answer).info)
    assert not opened(answer).getexif()


@pytest.mark.parametrize("action", [Action.ALLOW, Action.BLUR])
def test_the_answer_is_no_larger_than_its_limit(action):
    answer = moderated(pictures.encode(pictures.picture(1, 400, 100), "PNG"), action, Limits(max_moderated_side_px=100))
    assert (answer.width, answer.height) == (100, 25)


@pytest.mark.parametrize("size", [(1, 1), (1, 3_000), (3_000, 1)])
@pytest.mark.parametrize("action", [Action.ALLOW, Action.BLUR])
def test_the_narrowest_pictures_keep_a_pixel(size, action):
    answer = moderated(pictures.encode(Image.new("RGB", size), "PNG"), action, LIMITS)
    assert min(opened(answer).size) == 1


def noise(width, height, channels=4):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8))


def test_a_picture_that_will_not_compress_shrinks_until_an_answer_can_carry_it():
    payload = pictures.encode(noise(4_000, 2_400), "TIFF")
    answer = moderated(payload, Action.ALLOW, Limits(max_moderated_side_px=16_384))
    assert len(payload) > MAX_BODY_BYTES > len(answer.body)
    assert opened(answer).size == (2_000, 1_200)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_an_animation_that_will_not_compress_fits_an_answer(kind, monkeypatch):
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 300_000)
    frames = [noise(300 + shift, 300).crop((shift, 0, shift + 300, 300)) for shift in range(6)]
    payload = pictures.encode(frames[0], kind, save_all=True, append_images=frames[1:], quality=100)
    answer = moderated(payload, Action.ALLOW, LIMITS)
    assert len(payload) > 300_000 > len(answer.body)
    assert opened(answer).n_frames == 6


def test_a_long_animation_becomes_smaller_and_a_very_long_one_keeps_its_length_with_fewer_frames(monkeypatch):
    monkeypatch.setattr(module, "MAX_ANIMATION_FRAMES", 4)
    monkeypatch.setattr(module, "MAX_ANIMATION_PIXELS", 4 * 32 * 24)
    answer = moderated(pictures.animation("GIF", 12), Action.ALLOW, LIMITS)
    image = opened(answer)
    assert (image.size, image.n_frames) == ((32, 24), 4)
    assert sum(shown.info["duration"] for shown in ImageSequence.Iterator(image)) == 12 * 40


@pytest.mark.parametrize("action", list(Action))
def test_the_errors_are_those_of_decoding(action):
    for payload, error in (
        (b"", EmptyImage),
        (b"hello, world", UnsupportedFormat),
        (pictures.truncated_jpeg(), CorruptImage),
        (pictures.huge_png(), ImageTooLarge),
    ):
        with pytest.raises(error):
            moderated(payload, action, LIMITS)


@pytest.mark.parametrize("kind", FILES)
def test_a_damaged_file_is_an_error_of_ours_or_still_an_image(kind):
    whole = FILES[kind]
    random = np.random.default_rng(1)
    for action in (Action.ALLOW, Action.BLUR) * 10:
        damaged = bytearray(whole)
        for position in random.integers(0, len(whole), 5):
            damaged[position] = random.integers(0, 256)
        try:
            opened(moderated(bytes(damaged), action, LIMITS))
        except (CorruptImage, UnsupportedFormat, ImageTooLarge):
            continue
