"""The operating curve as one picture: what recall costs in reviews, and what is found among them."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from thresholds.curve import CurvePoint
from thresholds.figures import Figures
from thresholds.intervals import Estimate
from thresholds.tuning import Tuned

COLOURS = {"porn": "#b3261e", "hentai": "#7a4fa3", "explicit": "#24292f"}
BLURRED, REVIEWED, CAUGHT = "#1f5fa8", "#c2571a", "#12877a"
INK, FAINT, BUDGET = "#24292f", "#d8dee4", "#2a7d3f"
LEAST_LOAD = 1e-4
"""Loads under it are drawn at it: the axis is logarithmic."""

BESIDE = 1.12
"""How far beside its load a checked figure is drawn, as a factor, so that dots don't cover each other."""

RECALL_TICKS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998)
UNDER: dict[str, Any] = {"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1}
RIGHT: dict[str, Any] = {"ha": "right", "va": "bottom"}

STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#8c959f",
    "axes.labelcolor": INK,
    "text.color": INK,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "none",
}


def png(tuned: Tuned, title: str) -> bytes:
    """Return the picture as PNG."""
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(13.5, 6.2), dpi=130, layout="constrained")
        recall, precision = canvas.subplots(1, 2)
        _draw_recall(recall, tuned)
        _draw_precision(precision, tuned)
        for axes in (recall, precision):
            _draw_loads(axes, tuned)
        canvas.suptitle(title, fontsize=10.5, x=0.01, ha="left")
        out = io.BytesIO()
        canvas.savefig(out, format="png", metadata={"Software": ""})
        return out.getvalue()


def _draw_recall(axes: Axes, tuned: Tuned) -> None:
    """Draw recall by class against review load; misses are spread logarithmically, for that is where choices differ."""
    classes = [label for label in ("porn", "hentai") if tuned.rates[label] > 0]
    least = 0.3 / max(sum(tuned.counts[label] for label in classes), 10)

    def place(recall: float) -> float:
        return -float(np.log10(max(1 - recall, least)))

    for name, beside in zip(classes, (1 / BESIDE, BESIDE), strict=False):
        recalls = [place(one.figures.recall[name].value) for one in tuned.curve]
        axes.plot(_loads(tuned.curve), recalls, color=COLOURS[name], lw=1.8, label=name, drawstyle="steps-post")
        axes.plot(_load(tuned.chosen), place(tuned.chosen.recall[name].value), "o", color=COLOURS[name], ms=8, zorder=4)
        _interval(axes, beside * _load(tuned.checked), tuned.checked.recall[name], COLOURS[name], place)
    target = place(tuned.targets.recall)
    axes.axhline(target, color=INK, lw=1, ls=":")
    axes.text(0.99, target, f"target {tuned.targets.recall:g} ", transform=axes.get_yaxis_transform(), **RIGHT)
    ticks = [one for one in RECALL_TICKS if 1 - one > 2 * least]
    axes.set_yticks([place(one) for one in (*ticks, 1.0)], [*(f"{one:g}" for one in ticks), "none missed"])
    axes.set_ylim(place(0.5), place(1.0) * 1.03)
    axes.set_title("Recall: explicit images blurred or reviewed")
    axes.plot([], [], "o", color=INK, ms=8, label="the chosen thresholds")
    axes.plot([], [], "-o", color=INK, mfc="white", ms=7, label=f"{tuned.checked_on}, 95 % interval")
    axes.legend(loc="lower right")


def _draw_precision(axes: Axes, tuned: Tuned) -> None:
    lines: Sequence[tuple[str, str, str]] = (
        ("blur_precision", BLURRED, "of what is blurred"),
        ("review_precision", REVIEWED, "of what is reviewed"),
        ("catch_precision", CAUGHT, "of both together"),
    )
    for attribute, colour, label in lines:
        values = [getattr(one.figures, attribute).value for one in tuned.curve]
        axes.plot(_loads(tuned.curve), values, color=colour, lw=1.8, label=label)
        axes.plot(_load(tuned.chosen), getattr(tuned.chosen, attribute).value, "o", color=colour, ms=8, zorder=4)
        _interval(axes, BESIDE * _load(tuned.checked), getattr(tuned.checked, attribute), colour, lambda value: value)
    explicit = tuned.rates["porn"] + tuned.rates["hentai"]
    axes.axhline(explicit, color=INK, lw=1, ls=":", label=f"of all uploads: {100 * explicit:.2f} %")
    if tuned.targets.blur_precision is not None:
        axes.axhline(tuned.targets.blur_precision, color=BLURRED, lw=1, ls=":")
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title("Precision at the base rate: explicit images")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, explicit / 1.03 + 0.05))


def _draw_loads(axes: Axes, tuned: Tuned) -> None:
    axes.set_xscale("log")
    axes.set_xlim(min(_load(tuned.chosen) / 10, max(LEAST_LOAD, min(_loads(tuned.curve)))) * 0.8, 1.0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda load, _: f"{load * 100:g} %"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("uploads reviewed")
    axes.grid(color=FAINT, lw=0.7)
    axes.set_axisbelow(True)
    if daily := tuned.budget.daily_uploads:
        above = axes.secondary_xaxis("top", functions=(_times(daily), _times(1 / daily)))
        above.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
        above.xaxis.set_minor_formatter(NullFormatter())
        above.set_xlabel(f"reviews a day of {daily:,} uploads")
    lines = [(_load(tuned.chosen), "chosen", INK, "-"), (tuned.budget.load, "budget", BUDGET, "--")]
    over = tuned.budget.load is not None and tuned.budget.load < _load(tuned.chosen)
    for load, text, colour, style in lines:
        if load is not None:
            axes.axvline(load, color=colour, lw=1.2, ls=style, alpha=0.6)
            left = (text == "chosen") is not over  # the outer side of both, so that they don't meet
            side: dict[str, Any] = {"ha": "right" if left else "left", "color": colour, "fontweight": "bold"}
            axes.text(load, 0.8, f" {text} ", transform=axes.get_xaxis_transform(), bbox=UNDER, **side)


def _interval(axes: Axes, load: float, figure: Estimate, colour: str, place: Callable[[float], float]) -> None:
    """Draw a figure as a hollow dot with its interval."""
    if figure.value == figure.value:
        axes.plot([load, load], [place(figure.low), place(figure.high)], color=colour, lw=1.6, zorder=3)
        axes.plot(load, place(figure.value), "o", color=colour, mfc="white", ms=7, zorder=4)


def _load(figures: Figures) -> float:
    return max(figures.review_load.value, LEAST_LOAD)


def _loads(curve: Sequence[CurvePoint]) -> list[float]:
    return [_load(one.figures) for one in curve]


def _times(factor: float) -> Callable[[Any], Any]:
    return lambda values: values * factor
