"""A session's record as one picture: throughput, ratios, what is lost on the way, latency."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from measuring import figures
from measuring.figures import Figure, Record
from measuring.tables import number

OURS_COLOURS = ("#1f5fa8", "#12877a", "#7a4fa3", "#5b6b7b")
STOCK_COLOUR = "#c2571a"
MET, MISSED, INK, FAINT = "#2a7d3f", "#b3261e", "#24292f", "#d8dee4"
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
    "svg.hashsalt": "bench",
}


def png(record: Record) -> bytes:
    """Return the picture as PNG."""
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(13.5, 9.5), dpi=130, layout="constrained")
        (rates, goals), (losses, latency) = canvas.subplots(2, 2)
        draw_rates(rates, record)
        draw_ratios(goals, [goal for goal in figures.goals(record) if "/ stock server" in goal.name])
        draw_ratios(losses, [goal for goal in figures.goals(record) if goal.unit == "x" and "stock" not in goal.name])
        draw_latencies(latency, record)
        goals.set_title("Times the stock handler's images per second")
        losses.set_title("What each stage keeps of the one before")
        machine = record["machine"]
        canvas.suptitle(
            f"{record['checkpoint']} on {machine['cpu']}, {machine['cores']} cores · "
            f"alternating rounds: {len(record['rounds'])} · {record['started_utc']}",
            fontsize=10.5,
            x=0.01,
            ha="left",
        )
        out = io.BytesIO()
        canvas.savefig(out, format="png", metadata={"Software": ""})
        return out.getvalue()


def draw_rates(axes: Axes, record: Record) -> None:
    """Draw a bar per measurement: median, every round as a dot, least to most as a line."""
    found = figures.throughputs(record)
    for place, figure in enumerate(found):
        colour = colour_of(figure.name.partition(":")[0], record)
        fades = 1.0 if "server" in figure.name else 0.55
        axes.barh(place, figure.spread.median, color=colour, alpha=fades, height=0.7)
        draw_rounds(axes, place, figure)
        axes.text(figure.spread.most, place, f"  {number(figure.spread.median)}", va="center", fontweight="bold")
    label_rows(axes, [figure.name for figure in found])
    axes.set_title("Images per second")
    axes.set_xlim(0, max(figure.spread.most for figure in found) * 1.12)


def draw_ratios(axes: Axes, found: Sequence[Figure]) -> None:
    """Draw each ratio's rounds and median, and its target as a mark; green where it is met."""
    for place, figure in enumerate(found):
        median = figure.spread.median
        colour = {None: INK, True: MET, False: MISSED}[figure.is_met]
        axes.plot([0, median], [place, place], color=colour, lw=3, alpha=0.25, solid_capstyle="butt")
        draw_rounds(axes, place, figure)
        axes.plot(median, place, "o", color=colour, ms=9, zorder=4)
        axes.text(
            *(1.02, place, number(median)),
            transform=axes.get_yaxis_transform(),
            va="center",
            color=colour,
            fontweight="bold",
        )
        marks = [] if figure.target is None else [(figure.target.bound, "-"), (figure.target.aim, ":")]
        for mark, style in marks:
            if mark is not None:
                axes.plot([mark, mark], [place - 0.33, place + 0.33], style, color=INK, lw=1.6)
    label_rows(axes, [figure.name.replace(" / ", " /\n") for figure in found])
    axes.set_ylim(len(found) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.set_xlabel("solid mark: must reach; dotted: aim; small dots: rounds")


def draw_latencies(axes: Axes, record: Record) -> None:
    """Draw which share of requests was answered within which time."""
    for name in record["contenders"]:
        asked = figures.asked_of(record, name)
        for users, style in zip(
            asked, ("-", "--", ":") if name == figures.STOCK else (":", "-", "--", "-."), strict=False
        ):
            found = np.sort(figures.pooled_latencies(record, name, users))
            found, share = np.insert(found, 0, found[0]), np.arange(len(found) + 1) / len(found)
            axes.step(
                found,
                100 * share,
                style,
                where="post",
                color=colour_of(name, record),
                lw=1.8,
                label=f"{name}, {users} user{'s' * (users != '1')}",
            )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_formatter(mpl.ticker.NullFormatter())
    axes.set_xticks([tick for tick in (10, 30, 100, 300, 1000, 3000, 10_000) if _shows(axes, tick)])
    axes.set_ylim(0, 101)
    axes.grid(color=FAINT, lw=0.8)
    axes.set_title("Share of requests answered within ... ms")
    axes.set_xlabel("ms (logarithmic)")
    axes.set_ylabel("%")
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1, 1))


def draw_rounds(axes: Axes, place: float, figure: Figure) -> None:
    """Draw least to most as a line and each round as a dot."""
    spread = figure.spread
    axes.plot([spread.least, spread.most], [place, place], color=INK, lw=1, zorder=3)
    axes.plot(figure.values, [place] * len(figure.values), "o", color=INK, ms=2.6, zorder=3)


def label_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows, the first on top."""
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT, lw=0.8)
    axes.set_axisbelow(True)


def colour_of(name: str, record: Record) -> str:
    """Return a contender's colour."""
    own = figures.own_names(record)
    return OURS_COLOURS[own.index(name) % len(OURS_COLOURS)] if name in own else STOCK_COLOUR


def _shows(axes: Axes, tick: float) -> bool:
    left, right = axes.get_xlim()
    return left <= tick <= right
