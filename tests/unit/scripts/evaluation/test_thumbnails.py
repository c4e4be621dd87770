"""What is hidden in a report can't be made out."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from evaluation import audit_page, demo_sheet
from evaluation.audit import Audit
from evaluation.audit_page import Sheets
from evaluation.moderation import SAFE
from evaluation.policies import named_policy
from evaluation.prediction import Prediction
from evaluation.thumbnails import is_hidden, thumbnail
from pictures import encode, photo, picture
from trust_nsfw.schema import LABELS, Action


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
    assert [
        is_hidden(label, Action.ALLOW, show=False) for label in ("neutral", "drawing", "sexy", "porn", "hentai")
    ] == [
        *(False, False),
        *(True, True, True),
    ]
    assert not is_hidden("porn", Action.BLUR, "porn", show=True)


def test_a_label_that_may_be_wrong_shows_nothing():
    assert is_hidden("neutral", Action.BLUR, show=False)
    assert is_hidden("neutral", Action.ALLOW, "sexy", show=False)
    assert not is_hidden("neutral", Action.REVIEW, "drawing", show=False)


def test_both_reports_hide_the_same_tiles(tmp_path, monkeypatch):
    """Audit's sheets and the demo sheet, tile by tile, of pictures labelled rightly and wrongly."""
    pairs = [(label, label) for label in LABELS] * 2 + list(product(LABELS, LABELS))
    predictions, paths = [], {}
    for index, (label, predicted) in enumerate(pairs):
        name = f"{index}.png"
        paths[name] = tmp_path / name
        paths[name].write_bytes(encode(picture(index, 40, 40), "PNG"))
        scores = dict.fromkeys(LABELS, 0.0) | {predicted: 1.0}
        predictions.append(Prediction(name, label, scores, None, f"{index:02}", "PNG", 40, 40))
    audit = Audit.of(predictions, [None] * len(predictions), named_policy("default"), None)
    audit = replace(audit, label_errors=())  # the demo sheet knows of none
    in_audit: dict[str, bool] = {}
    in_demo: dict[str, bool] = {}

    def sheet(tiles):
        in_audit.update({tile.path.name: tile.hidden for tile in tiles})

    def few(_, label):
        return [place for place, one in enumerate(predictions) if one.label == label][-4:]

    monkeypatch.setattr(audit_page, "sheet_png", sheet)
    monkeypatch.setattr(demo_sheet, "_picture", lambda _, one, *rest, hidden: in_demo.setdefault(one.file, hidden))
    monkeypatch.setattr(demo_sheet, "choose", few)
    Sheets(audit, paths, tmp_path, show=False).pngs()
    demo_sheet.demo_png(predictions, audit.actions, paths, show=False)
    both = in_demo.keys() & in_audit.keys()
    assert any(predictions[int(name.removesuffix(".png"))].label in SAFE and in_demo[name] for name in both)
    assert {name: in_audit[name] for name in both} == {name: in_demo[name] for name in both}


def test_an_unreadable_image_is_a_grey_square():
    assert thumbnail(b"nothing", 50, hidden=False).getcolors() == [(2500, (216, 222, 228))]
