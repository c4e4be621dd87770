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
    "legend.frameon": False,
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
    least = 0.3 / max(sum(tuned.counts[label] for label in ("porn", "hentai")), 10)

    def place(recall: float) -> float:
        return -float(np.log10(max(1 - recall, least)))

    for name in [label for label in ("porn", "hentai") if tuned.rates[label] > 0]:
        colour = COLOURS[name]
        axes.plot(
            _loads(tuned.curve),
            [place(one.figures.recall[name].value) for one in tuned.curve],
            color=colour,
            lw=1.8,
            label=name,
            drawstyle="steps-post",
        )
        _mark(axes, tuned.chosen, tuned.chosen.recall[name], colour, place, filled=True)
        _mark(axes, tuned.checked, tuned.checked.recall[name], colour, place, filled=False)
    target = place(tuned.targets.recall)
    axes.axhline(target, color=INK, lw=1, ls=":")
    axes.text(0.01, target, f"target {tuned.targets.recall:g}", transform=axes.get_yaxis_transform(), va="bottom")
    ticks = [one for one in (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999) if 1 - one > least]
    axes.set_yticks([place(one) for one in (*ticks, 1.0)], [f"{one:.4g}" for one in (*ticks, 1.0)])
    axes.set_ylim(place(0.5), place(1.0) * 1.03)
    axes.set_title("Recall: explicit images blurred or reviewed")
    axes.plot([], [], "o", color=INK, ms=8, label="chosen thresholds, 95 % interval")
    axes.plot([], [], "o", color=INK, ms=8, mfc="white", label=f"the same on {tuned.checked_on}")
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
        for figures, filled in ((tuned.chosen, True), (tuned.checked, False)):
            _mark(axes, figures, getattr(figures, attribute), colour, lambda value: value, filled=filled)
    if tuned.targets.blur_precision is not None:
        axes.axhline(tuned.targets.blur_precision, color=BLURRED, lw=1, ls=":")
    explicit = tuned.rates["porn"] + tuned.rates["hentai"]
    axes.axhline(explicit, color=INK, lw=1, ls=":")
    axes.text(
        0.99,
        explicit,
        f"explicit among all uploads {explicit:.2%}",
        transform=axes.get_yaxis_transform(),
        va="bottom",
        ha="right",
    )
    axes.set_ylim(0, 1.03)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title("Precision at the base rate: explicit images")
    axes.legend(loc="best")


def _draw_loads(axes: Axes, tuned: Tuned) -> None:
    axes.set_xscale("log")
    axes.set_xlim(min(LEAST_LOAD * 10, max(LEAST_LOAD, min(_loads(tuned.curve)))) * 0.8, 1.0)
    daily = tuned.budget.daily_uploads
    axes.xaxis.set_major_formatter(FuncFormatter(lambda load, _: f"{load:.4g}" if load < 1e-4 else f"{load:.2%}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("uploads reviewed")
    axes.grid(color=FAINT, lw=0.7)
    axes.set_axisbelow(True)
    if daily:
        above = axes.secondary_xaxis("top", functions=(_times(daily), _times(1 / daily)))
        above.xaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
        above.xaxis.set_minor_formatter(NullFormatter())
        above.set_xlabel(f"reviews a day of {daily:,} uploads")
    if tuned.budget.load is not None:
        axes.axvline(tuned.budget.load, color=BUDGET, lw=1.4, ls="--")
        axes.text(
            tuned.budget.load, 0.02, " budget", color=BUDGET, transform=axes.get_xaxis_transform(), fontweight="bold"
        )


def _mark(
    axes: Axes, figures: Figures, value: Estimate, colour: str, place: Callable[[float], float], *, filled: bool
) -> None:
    """Draw a figure with its interval at its review load; the checked one hollow."""
    if value.value != value.value:
        return
    load = max(figures.review_load.value, LEAST_LOAD)
    axes.plot([load, load], [place(value.low), place(value.high)], color=colour, lw=2.4, alpha=0.45, zorder=3)
    axes.plot(load, place(value.value), "o", color=colour, mfc=colour if filled else "white", ms=8, zorder=4)


def _loads(curve: Sequence[CurvePoint]) -> list[float]:
    return [max(one.figures.review_load.value, LEAST_LOAD) for one in curve]


def _times(factor: float) -> Callable[[Any], Any]:
    return lambda values: values * factor
