"""The demo sheet shows no image that nobody asked to see."""

import io

import numpy as np
import pytest
from PIL import Image

from evaluation import demo_sheet
from evaluation.demo_sheet import choose, demo_png
from evaluation.prediction import Prediction
from trust_nsfw.schema import LABELS, Action


@pytest.fixture
def checkerboards(tmp_path):
    """Return predictions and paths of pictures that are all detail, two of each class."""
    pixels = (np.indices((200, 200)).sum(axis=0) // 4 % 2 * 255).astype(np.uint8)
    predictions, paths = [], {}
    for index in range(10):
        label = LABELS[index % 5]
        file = tmp_path / f"{index}.png"
        Image.fromarray(pixels).convert("RGB").save(file)
        paths[file.name] = file
        scores = dict.fromkeys(LABELS, 0.0) | {label: 1.0}
        predictions.append(Prediction(file.name, label, scores, None, f"{index}", "PNG", 200, 200))
    return predictions, paths


def sharp_thumbnails(monkeypatch, predictions, actions, paths, *, show) -> list[str]:
    """Return the labels of the pictures that are drawn in detail, by looking at what is drawn."""
    drawn = []
    whole = demo_sheet._picture

    def looking(axes, one, action, payload, *, hidden):
        whole(axes, one, action, payload, hidden=hidden)
        pixels = np.asarray(axes.images[0].get_array(), dtype=float)
        if np.abs(np.diff(pixels, axis=0)).mean() > 10:
            drawn.append(one.label)

    monkeypatch.setattr(demo_sheet, "_picture", looking)
    with Image.open(io.BytesIO(demo_png(predictions, actions, paths, show=show))) as sheet:
        assert sheet.format == "PNG"
    return drawn


def test_only_neutral_and_drawing_are_in_detail(checkerboards, monkeypatch):
    predictions, paths = checkerboards
    drawn = sharp_thumbnails(monkeypatch, predictions, [Action.ALLOW] * 10, paths, show=False)
    assert sorted(drawn) == ["drawing", "drawing", "neutral", "neutral"]


def test_a_neutral_label_does_not_reveal_what_the_policy_blurs(checkerboards, monkeypatch):
    predictions, paths = checkerboards
    assert sharp_thumbnails(monkeypatch, predictions, [Action.BLUR] * 10, paths, show=False) == []


def test_show_reveals_all(checkerboards, monkeypatch):
    predictions, paths = checkerboards
    assert len(sharp_thumbnails(monkeypatch, predictions, [Action.BLUR] * 10, paths, show=True)) == 10


def test_the_choice_follows_the_sha256_and_leaves_out_what_was_not_scored():
    scores = dict.fromkeys(LABELS, 0.2)
    many = [
        Prediction(sha, "porn", None if sha == "a" else scores, None, sha, None, None, None)
        for sha in ("c", "a", "b", "f", "e", "d")
    ]
    assert [many[place].file for place in choose(many, "porn")] == ["b", "c", "d", "e"]
    assert choose(many, "sexy") == []
