"""The pictures of an evaluation: one function, one PNG."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from charting.style import ACTION_COLOURS, BAD, BLUE, BLUES, EDGE, FAINT, INK, PURPLE, chart, grid
from evaluation.classification import Classification
from evaluation.metrics import Share
from evaluation.moderation import Moderation
from evaluation.ranking import Ranking
from evaluation.reliability import Calibration, draw_reliability
from evaluation.robustness import Robustness
from evaluation.slices import Slice
from trust_nsfw.schema import LABELS, Action

NOT_MEASURED = "not measured"


def confusion_png(found: Classification) -> bytes:
    """Draw counts and, beside them, each true class' predictions as shares."""
    with chart(11, 4.9) as canvas:
        left, right = canvas.figure.subplots(1, 2)
        counts, shares = np.array(found.confusion), found.confusion_shares
        _matrix(left, counts, shares, [f"{count:,}" for count in counts.flat], "Images")
        texts = ["-" if np.isnan(share) else f"{100 * share:.1f} %" for share in shares.flat]
        _matrix(right, counts, shares, texts, "Share of each true class")
    return canvas.png


def rankings_png(rankings: Sequence[Ranking]) -> bytes:
    """Draw the ROC, its rates logarithmic because only small ones can be lived with, and precision against recall."""
    with chart(11, 4.7) as canvas:
        roc, recall = canvas.figure.subplots(1, 2)
        for one, colour in zip(rankings, (BAD, BLUE), strict=False):
            if not one.roc.size:
                roc.plot([], [], color=colour, label=f"{one.group}: {NOT_MEASURED}")
                continue
            least = 0.5 / one.negatives
            roc.step(np.clip(one.roc[0], least, 1), one.roc[1], where="post", color=colour, lw=2,
                     label=f"{one.group}: AUC {one.auc:.4f}")  # fmt: skip
            recall.step(*one.precision_recall, where="pre", color=colour, lw=2,
                        label=f"{one.group}: average precision {one.average_precision:.4f}")  # fmt: skip
            roc.set_xscale("log")
        roc.xaxis.set_major_formatter(lambda rate, _: f"{100 * rate:g} %")
        roc.set(title="ROC", xlabel="false-positive rate (logarithmic; the left end is none)", ylabel="recall")
        recall.set(title="Precision and recall", xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.03))
        roc.set_ylim(0, 1.03)
        for axes in (roc, recall):
            grid(axes)
            axes.legend(loc="lower right" if axes is roc else "lower left")
    return canvas.png


def reliability_png(found: Calibration) -> bytes:
    """Draw both reliability diagrams."""
    with chart(11, 5.2) as canvas:
        top, explicit = canvas.figure.subplots(1, 2)
        draw_reliability(top, found.top_label, f"Top label: ECE {found.ece:.3f}")
        top.set(xlabel="probability of the most probable class", ylabel="share that is truly of that class")
        draw_reliability(explicit, found.explicit, "Explicit (porn + hentai)", PURPLE)
        explicit.set(xlabel="probability of explicit", ylabel="share that is truly explicit")
    return canvas.png


def actions_png(found: Moderation, policy_name: str) -> bytes:
    """Draw what the policy does to each true class, as shares with counts."""
    with chart(11, 3.6) as canvas:
        axes = canvas.figure.subplots()
        for row, label in enumerate(LABELS):
            counts, left = found.actions[label], 0.0
            if not (total := sum(counts.values())):
                axes.text(0.01, row, NOT_MEASURED, va="center", color=EDGE)
                continue
            for action in Action:
                share = counts[action] / total
                axes.barh(row, share, left=left, color=ACTION_COLOURS[action], height=0.72, edgecolor="white")
                if share > 0.05:
                    dark = action is Action.BLUR
                    axes.text(left + share / 2, row, f"{counts[action]:,}", ha="center", va="center",
                              color="white" if dark else INK)  # fmt: skip
                left += share
        for action in Action:
            axes.barh(0, 0, color=ACTION_COLOURS[action], label=action)
        axes.set_yticks(range(len(LABELS)), [f"{label}  ({sum(found.actions[label].values()):,})" for label in LABELS])
        axes.invert_yaxis()
        axes.set(xlim=(0, 1), title=f"What policy {policy_name} does to each true class")
        axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
        axes.legend(ncols=3, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2)
        axes.tick_params(axis="y", length=0)
    return canvas.png


def robustness_png(found: Robustness) -> bytes:
    """Draw, for each transformation, the recall of explicit images and the share of changed actions."""
    with chart(11, 0.42 * len(found.effects) + 1.5) as canvas:
        recall, changed = canvas.figure.subplots(1, 2, sharey=True)
        for row, effect in enumerate(found.effects):
            _interval(recall, row, effect.recall, BAD)
            _interval(changed, row, effect.changed_actions, BLUE, from_zero=True)
        before = found.effects[0].recall.value if found.effects else np.nan
        if not np.isnan(before):
            recall.axvline(before, color=EDGE, lw=1.2, ls="--", zorder=1)
        recall.set_yticks(range(len(found.effects)), [effect.title for effect in found.effects])
        recall.invert_yaxis()
        recall.set_title("Explicit images that are blurred")
        changed.set_title("Images with another action")
        _percent_axes(recall, changed)
    return canvas.png


def slices_png(slices: Sequence[Slice]) -> bytes:
    """Draw accuracy and allowed explicit images of every slice with intervals; faint where it rests on few images."""
    with chart(11, 0.36 * max(len(slices), 1) + 1.5) as canvas:
        accuracy, missed = canvas.figure.subplots(1, 2, sharey=True)
        for row, one in enumerate(slices):
            fades = 0.45 if one.warning else 1.0
            _interval(accuracy, row, one.accuracy, BLUE, fades)
            _interval(missed, row, one.missed.allowed, BAD, fades, from_zero=True)
        accuracy.set_yticks(range(len(slices)), [f"{one.column}: {one.value}  ({one.images:,})" for one in slices])
        accuracy.invert_yaxis()
        accuracy.set_title("Accuracy")
        missed.set_title("Explicit images that are allowed")
        _percent_axes(accuracy, missed)
        least = min((one.accuracy.low for one in slices), default=0.0)
        accuracy.set_xlim(max(0.0, math.floor(10 * least - 0.5) / 10) - 0.01, 1.01)
        most = max((one.missed.allowed.high for one in slices if one.missed.allowed.cases), default=1.0)
        missed.set_xlim(-0.004, min(1.0, math.ceil(10 * most) / 10) + 0.004)
    return canvas.png


def _matrix(
    axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64], texts: Sequence[str], title: str
) -> None:
    axes.imshow(np.nan_to_num(shares), cmap=BLUES, vmin=0, vmax=1)
    for place, text in enumerate(texts):
        row, column = divmod(place, len(LABELS))
        dark = np.nan_to_num(shares)[row, column] > 0.55
        colour = "white" if dark else INK if counts[row, column] else EDGE
        axes.text(column, row, text, ha="center", va="center", color=colour)
    totals = counts.sum(axis=1)
    axes.set_xticks(range(len(LABELS)), LABELS)
    axes.set_yticks(range(len(LABELS)), [f"{label} ({total:,})" for label, total in zip(LABELS, totals, strict=True)])
    axes.set(title=title, xlabel="predicted", ylabel="true (images)")
    axes.set_xticks(np.arange(-0.5, len(LABELS)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(LABELS)), minor=True)
    axes.grid(which="minor", color=FAINT, lw=0.8)
    axes.tick_params(which="both", length=0)


def _interval(axes: Axes, row: int, share: Share, colour: str, fades: float = 1.0, *, from_zero: bool = False) -> None:
    if not share.cases:
        axes.text(0.01, row, NOT_MEASURED, va="center", color=EDGE, fontsize=9)
        return
    if from_zero:
        axes.barh(row, share.value, height=0.5, color=colour, alpha=0.25 * fades)
    axes.plot([share.low, share.high], [row, row], color=colour, lw=2, alpha=fades, solid_capstyle="butt")
    axes.plot(share.value, row, "o", color=colour, ms=7, alpha=fades)
    axes.text(1.02, row, f"{100 * share.value:.1f} %", transform=axes.get_yaxis_transform(), va="center", alpha=fades)


def _percent_axes(*all_axes: Axes) -> None:
    for axes in all_axes:
        axes.set_xlim(-0.01, 1.01)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
        axes.tick_params(axis="y", length=0)
        grid(axes, "x")
