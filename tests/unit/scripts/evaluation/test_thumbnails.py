"""What is hidden in a report can't be made out."""

import numpy as np
import pytest

from evaluation.thumbnails import is_hidden, thumbnail
from pictures import encode, photo, picture


def detail(image) -> float:
    """Return the energy between neighbouring pixels."""
    pixels = np.asarray(image.convert("L"), dtype=float)
    return float(np.abs(np.diff(pixels, axis=0)).mean() + np.abs(np.diff(pixels, axis=1)).mean())


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_hidden_thumbnail_keeps_its_size_and_loses_its_detail(kind):
    payload = encode(photo("chelsea.png"), kind)
    shown, hidden = thumbnail(payload, 200, hidden=False), thumbnail(payload, 200, hidden=True)
    assert shown.size == hidden.size == (200, 133)
    assert detail(hidden) < detail(shown) / 3
    assert fine_share(hidden) < 0.01 < fine_share(shown)


def fine_share(image) -> float:
    """Return the share of an image's power, its mean left out, in waves shorter than 16 pixels."""
    pixels = np.asarray(image.convert("L"), dtype=float)
    window = np.outer(np.hanning(pixels.shape[0]), np.hanning(pixels.shape[1]))  # its edges would be waves, too
    power = np.abs(np.fft.fft2((pixels - pixels.mean()) * window)) ** 2
    rows, columns = np.fft.fftfreq(power.shape[0])[:, None], np.fft.fftfreq(power.shape[1])[None, :]
    return float(power[np.hypot(rows, columns) > 1 / 16].sum() / power.sum())


def test_a_small_picture_is_hidden_too():
    payload = encode(picture(1, 12, 9), "PNG")
    assert len(np.unique(np.asarray(thumbnail(payload, 8, hidden=True)).reshape(-1, 3), axis=0)) <= 48


def test_only_neutral_and_drawing_are_shown_unasked():
    assert [is_hidden(label, show=False) for label in ("neutral", "drawing", "sexy", "porn", "hentai")] == [
        *(False, False),
        *(True, True, True),
    ]
    assert not is_hidden("porn", show=True)


def test_an_unreadable_image_is_a_grey_square():
    assert thumbnail(b"nothing", 50, hidden=False).getcolors() == [(2500, (216, 222, 228))]
