"""A sheet of images with their true labels and probabilities; blurred unless labelled neutral or drawing."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from PIL import Image

from charting.style import ACTION_COLOURS, BAD, FAINT, GOOD, INK, LABEL_COLOURS, chart
from evaluation.prediction import Prediction
from evaluation.thumbnails import is_hidden, thumbnail
from trust_nsfw.schema import LABELS, Action, Scores

PER_CLASS = 4
THUMBNAIL_PX = 220


def demo_png(
    predictions: Sequence[Prediction], actions: Sequence[Action], paths: Mapping[str, Path], *, show: bool
) -> bytes:
    """Draw a few scored images of each class: a row a class, chosen by their sha256, which is no choice at all.

    `paths` says where a prediction's file lies. An image that the policy blurs is blurred as well, whatever its label:
    the label may be what is wrong.
    """
    rows = [(label, chosen) for label in LABELS if (chosen := choose(predictions, label))]
    with chart(13, 2.1 * len(rows) + 0.3) as canvas:
        grid = canvas.figure.subplots(
            len(rows), 2 * PER_CLASS, squeeze=False, width_ratios=[1.15, 1] * PER_CLASS, gridspec_kw={"wspace": 0.05}
        )
        for axes in grid.flat:
            axes.set_axis_off()
        for row, (_, places) in zip(grid, rows, strict=True):
            for column, place in enumerate(places):
                one, action = predictions[place], actions[place]
                hidden = is_hidden(one.label, action, show=show)
                _picture(row[2 * column], one, action, paths[one.file].read_bytes(), hidden=hidden)
                _bars(row[2 * column + 1], Scores(**(one.scores or {})), one.label)
    return canvas.png


def choose(predictions: Sequence[Prediction], label: str, most: int = PER_CLASS) -> list[int]:
    """Return the places of a class' scored images with the smallest sha256s."""
    places = [place for place, one in enumerate(predictions) if one.label == label and one.scores is not None]
    return sorted(places, key=lambda place: (predictions[place].sha256, place))[:most]


def _picture(axes: Axes, one: Prediction, action: Action, payload: bytes, *, hidden: bool) -> None:
    picture = thumbnail(payload, THUMBNAIL_PX, hidden=hidden)
    # A square each, so that rows stay in line.
    tile = Image.new("RGB", (THUMBNAIL_PX, THUMBNAIL_PX), "white")
    tile.paste(picture, ((THUMBNAIL_PX - picture.width) // 2, (THUMBNAIL_PX - picture.height) // 2))
    axes.set_axis_on()
    axes.imshow(tile)
    axes.set(xticks=[], yticks=[], anchor="N")
    for spine in axes.spines.values():
        spine.set(visible=True, color=FAINT)
    axes.set_title(one.label, fontsize=10, color=LABEL_COLOURS[one.label], pad=4)
    caption = axes.set_xlabel(f"{action}{', shown blurred' if hidden else ''}", fontsize=8, color=INK, labelpad=4)
    caption.set_bbox({"facecolor": ACTION_COLOURS[action], "alpha": 0.3, "lw": 0, "pad": 1.5})


def _bars(axes: Axes, scores: Scores, truth: str) -> None:
    axes.set_axis_on()
    for row, (label, value) in enumerate(scores.classes().items()):
        axes.barh(row, 1, color=FAINT, alpha=0.4, height=0.3)
        axes.barh(row, value, color=LABEL_COLOURS[label], height=0.3)
        axes.text(0, row - 0.2, label, fontsize=6.5, va="bottom")
        axes.text(1, row - 0.2, f"{value:.2f}", fontsize=6.5, va="bottom", ha="right")
    axes.set(xlim=(0, 1), ylim=(len(LABELS) - 0.7, -0.75), xticks=[], yticks=[], anchor="N", box_aspect=1.15)
    for spine in axes.spines.values():
        spine.set_visible(False)
    right = scores.label == truth
    axes.set_title("right" if right else f"taken for {scores.label}", fontsize=8, color=GOOD if right else BAD, pad=4)
