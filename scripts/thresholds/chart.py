"""The operating curve as one picture: what recall costs in reviews, and what is found among them."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from charting.style import BAD, BLUE, GOOD, GREY, INK, LABEL_COLOURS, ORANGE, TEAL, chart, grid
from thresholds.figures import Figures
from thresholds.intervals import Estimate
from thresholds.tuning import Tuned

BLURRED, REVIEWED, CAUGHT = BLUE, ORANGE, TEAL
BUDGET, TARGET = BAD, GOOD
DECADE = 10.0
"""Loads that span less are drawn on a linear axis."""

NONE_BELOW = 2.5
"""On a logarithmic axis "none" lies by this factor below the least load that is not none."""

RECALL_TICKS = (0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998)
TARGET_LINE: dict[str, Any] = {"color": TARGET, "lw": 1.4, "ls": "-."}


class LoadAxis:
    """Where review loads lie along x: linear from none where they span less than a decade, else logarithmic."""

    def __init__(self, tuned: Tuned) -> None:
        self._daily = tuned.budget.daily_uploads
        loads = [one.figures.review_load.value for one in tuned.curve]
        loads += [tuned.chosen.review_load.value, tuned.checked.review_load.value]
        some = [load for load in loads if load > 0] or [1.0]
        self._has_none = min(loads) <= 0
        self.is_linear = max(some) < DECADE * min(some)
        budget = tuned.budget.load or max(some)  # it has to be seen, but does not decide the scale
        self._none = 0.0 if self.is_linear else min(*some, budget) / NONE_BELOW
        self._most = max(*some, budget) * (1.08 if self.is_linear else 1.3)

    def place(self, load: float, beside: int = 0) -> float:
        """Return a load's x; `beside` moves it by so many dots' widths, so that dots don't cover each other."""
        if self.is_linear:
            return load + 0.014 * beside * self._most
        span = np.log(self._most / self._none)
        return float(max(load, self._none) * np.exp(0.014 * beside * span))

    def draw(self, axes: Axes) -> None:
        """Set scale, limits, ticks and, where the uploads of a day are known, reviews a day above."""
        if self.is_linear:
            steps = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(0, self._most)
            ticks = [one for one in map(float, steps) if 0 <= one <= min(self._most, 1.0)]
            left = -0.04 * self._most
        else:
            axes.set_xscale("log")
            decades = range(int(np.floor(np.log10(self._none))), 1)
            steps = [step * 10.0**decade for decade in decades for step in (1, 2, 5)]
            ticks = [one for one in steps if self._none * 1.7 < one <= min(self._most, 1.0)]
            if len(ticks) > 7:
                ticks = [one for one in ticks if np.isclose(np.log10(one) % 1, (0, 1)).any()]
            ticks = [self._none, *ticks] if self._has_none else ticks
            left = self._none * 0.75
        axes.set_xlim(left, self._most)
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda load, _: "none" if load <= self._none else f"{100 * load:.3g} %")
        axes.set_xlabel("uploads reviewed" + ("" if self.is_linear else " (logarithmic)"))
        if daily := self._daily:
            above = axes.secondary_xaxis("top")
            above.xaxis.set_major_locator(FixedLocator(ticks))
            above.xaxis.set_minor_locator(NullLocator())
            above.xaxis.set_major_formatter(lambda load, _: "none" if load <= self._none else f"{load * daily:,.0f}")
            above.set_xlabel(f"reviews a day of {daily:,} uploads")


@dataclass(frozen=True, slots=True)
class Line:
    """A figure along the curve. Where lines coincide, the wider one is seen around the other."""

    figure: Callable[[Figures], Estimate]
    label: str
    colour: str
    beside: int
    width: float


def png(tuned: Tuned, title: str) -> bytes:
    """Return the picture as PNG."""
    loads = LoadAxis(tuned)
    with chart(13.5, 7.0) as canvas:
        recall, precision = canvas.figure.subplots(1, 2)
        _draw_recall(recall, tuned, loads)
        _draw_precision(precision, tuned, loads)
        for axes in (recall, precision):
            loads.draw(axes)
            _draw_choice(axes, tuned, loads)
            grid(axes)
            axes.plot([], [], "D", color=INK, mec="white", ms=10, label="the chosen thresholds")
            axes.plot([], [], "-o", color=INK, mfc="white", ms=7, label=f"{tuned.checked_on}, 95 % interval")
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.11), ncols=3)  # outside: never over the curves
        canvas.figure.suptitle(title, fontsize=10.5, x=0.01, ha="left")
    return canvas.png


def _draw_recall(axes: Axes, tuned: Tuned, loads: LoadAxis) -> None:
    """Draw recall by class against review load; misses are spread logarithmically, for that is where choices differ."""
    classes = [label for label in ("porn", "hentai") if tuned.rates[label] > 0]
    least = 0.3 / max(sum(tuned.counts[label] for label in classes), 10)

    def place(recall: float) -> float:
        return -float(np.log10(max(1 - recall, least)))

    for name, beside, wide in zip(classes, (-1, 1), (3.6, 1.6), strict=False):
        line = Line(_recall_of(name), name, LABEL_COLOURS[name], beside, wide)
        _draw_line(axes, tuned, loads, line, place)
    axes.axhline(place(tuned.targets.recall), label=f"recall target {tuned.targets.recall:g}", **TARGET_LINE)
    ticks = [one for one in RECALL_TICKS if 1 - one > 2 * least]
    axes.set_yticks([place(one) for one in (*ticks, 1.0)], [*(f"{one:g}" for one in ticks), "none missed"])
    axes.set_ylim(place(0.5), place(1.0) * 1.03)
    axes.set_title("Recall: explicit images blurred or reviewed")


def _draw_precision(axes: Axes, tuned: Tuned, loads: LoadAxis) -> None:
    lines = (
        Line(attrgetter("blur_precision"), "of what is blurred", BLURRED, -1, 3.6),
        Line(attrgetter("review_precision"), "of what is reviewed", REVIEWED, 1, 1.6),
        Line(attrgetter("catch_precision"), "of both together", CAUGHT, 2, 1.6),
    )
    for line in lines:
        _draw_line(axes, tuned, loads, line, float)
    explicit = tuned.rates["porn"] + tuned.rates["hentai"]
    axes.axhline(explicit, color=GREY, lw=1.2, ls=":", label=f"of all uploads: {100 * explicit:.2f} %")
    if (asked := tuned.targets.blur_precision) is not None:
        axes.axhline(asked, label=f"blur-precision target {asked:g}", **TARGET_LINE)
    axes.set_ylim(-0.02, 1.03)
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    axes.set_title("Precision at the base rate: explicit images")


def _draw_line(axes: Axes, tuned: Tuned, loads: LoadAxis, line: Line, place: Callable[[float], float]) -> None:
    """Draw the curve of a figure, the chosen point as a diamond, the checked one as a hollow dot with its interval."""
    figure, colour = line.figure, line.colour
    curve = [(loads.place(one.figures.review_load.value), place(figure(one.figures).value)) for one in tuned.curve]
    axes.plot(*zip(*curve, strict=True), color=colour, lw=line.width, label=line.label, drawstyle="steps-post")
    x, y = loads.place(tuned.chosen.review_load.value), place(figure(tuned.chosen).value)
    axes.plot(x, y, "D", color=colour, mec="white", mew=1.2, ms=8 + 1.5 * line.width, zorder=5, clip_on=False)
    seen = figure(tuned.checked)
    if seen.value == seen.value:
        x = loads.place(tuned.checked.review_load.value, line.beside)
        axes.plot([x, x], [place(seen.low), place(seen.high)], color=colour, lw=1.6, zorder=3)
        axes.plot(x, place(seen.value), "o", color=colour, mfc="white", ms=7, zorder=4)


def _recall_of(name: str) -> Callable[[Figures], Estimate]:
    return lambda figures: figures.recall[name]


def _draw_choice(axes: Axes, tuned: Tuned, loads: LoadAxis) -> None:
    """Mark the chosen load and the budget."""
    chosen = loads.place(tuned.chosen.review_load.value)
    axes.axvline(chosen, color=INK, lw=1, alpha=0.5)
    if tuned.budget.load is not None:
        label = f"budget: {tuned.budget.daily_reviews:,} reviews a day"
        axes.axvline(loads.place(tuned.budget.load), color=BUDGET, lw=1.3, ls="--", label=label)
