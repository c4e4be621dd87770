"""How every chart of a campaign looks: colours, calm axes, labels beside what they name."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from campaign.groups import Figure, Group

INK, MUTED, FAINT = "#24292f", "#6e7781", "#e4e8ec"
SHADE, SHADE_INK = "#f5ede1", "#8a6420"
# From Okabe and Ito's palette, made for colour-blind readers, darkened where text needs the contrast.
COLOURS = {"rest": "#0067a8", "grpc": "#b8520a"}
OTHER_COLOUR, REFUSED_COLOUR, OBJECTIVE_COLOUR = "#00795c", "#b0417e", "#6b4ea0"
STYLE: dict[Any, Any] = {
    # The first three share their widths, so that an SVG's labels fit whichever the reader's machine has.
    "font.sans-serif": ["Arial", "Helvetica", "Liberation Sans", "DejaVu Sans"],
    "font.family": "sans-serif",
    "font.size": 9.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": "#afb8c1",
    "axes.labelcolor": MUTED,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "ytick.major.size": 0,
    "xtick.major.size": 3,
    "text.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "campaign",
}
SIZE_INCHES = (5.2, 3.2)
LEFT, RIGHT, BOTTOM, TOP = 0.1, 0.82, 0.15, 0.915
TITLE_INCHES = 0.3
LABEL_GAP_POINTS = 11.8
BACKING = {"fc": "white", "ec": "none", "alpha": 0.8, "pad": 0.7}  # so that a line behind a word doesn't cross it out


@dataclass(frozen=True, slots=True)
class Label:
    """A word beside the point it names, in data coordinates."""

    x: float
    y: float
    text: str
    colour: str = INK
    bold: bool = False


def one(canvas: Canvas, unit: str, x_name: str, right: float = RIGHT) -> Axes:
    """Return the only axes of a chart, the unit of its values above them, room for labels on their right."""
    axes = canvas.add_axes((LEFT, BOTTOM, right - LEFT, TOP - BOTTOM))
    plain(axes, unit, x_name)
    return axes


def plain(axes: Axes, unit: str, x_name: str = "") -> None:
    """Give axes a grid of horizontal lines, and names."""
    axes.grid(axis="y", color=FAINT, lw=0.8)
    tag(axes, unit, (0, 1), (0, 5), color=MUTED)
    axes.set_xlabel(x_name, labelpad=5)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(thousands))


def from_zero(axes: Axes, most: float) -> None:
    """Let values begin at nothing and leave air above the largest."""
    axes.set_ylim(0, (most or 1) * 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))


def logarithmic(axes: Axes, values: Iterable[float], which: str = "y") -> None:
    """Spread values by their ratios, with plain numbers at 1, 2 or 3, and 5 of each decade."""
    kept = [value for value in values if value > 0] or [1.0]
    low, high = min(kept) / 1.25, max(kept) * 1.35
    steps = (1, 3) if high / low > 40 else (1, 2, 5)
    ticks = [step * 10.0**decade for decade in range(-3, 8) for step in steps]
    shown = [tick for tick in ticks if low <= tick <= high]
    axis = axes.yaxis if which == "y" else axes.xaxis
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}lim")(low, high)
    axis.set_major_locator(FixedLocator(shown))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(thousands))
    axis.set_minor_formatter(NullFormatter())


def users_axis(axes: Axes, users: Sequence[int]) -> None:
    """Give each doubling of the users the same room, with a tick at each number that was tried."""
    axes.set_xscale("log", base=2)
    axes.set_xlim(min(users) / 1.15, max(users) * 1.06 if len(users) > 1 else max(users) * 1.15)
    axes.xaxis.set_major_locator(FixedLocator(list(users)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(thousands))


def line(
    axes: Axes, places: Sequence[float], groups: Sequence[Group], figure: Figure, colour: str, **style: Any
) -> tuple[float, float] | None:
    """Draw the medians, and least to most as a band behind; returns the last point, None where nothing was seen."""
    spreads = [(place, group.spread(figure)) for place, group in zip(places, groups, strict=True)]
    seen = [(place, spread) for place, spread in spreads if spread is not None]
    if not seen:
        return None
    xs = [place for place, _ in seen]
    medians = [spread.median for _, spread in seen]
    axes.fill_between(
        xs, [spread.least for _, spread in seen], [spread.most for _, spread in seen], color=colour, alpha=0.16, lw=0
    )
    defaults: dict[str, Any] = {"lw": 1.8, "marker": "o", "ms": 4}
    axes.plot(xs, medians, color=colour, **(defaults | style))
    return xs[-1], medians[-1]


def beside(axes: Axes, labels: Sequence[Label], shift: tuple[float, float] = (7, 0), **style: Any) -> None:
    """Write labels `shift` points from what they name, pushed apart where they would touch.

    The limits of the axes must be set already.
    """
    scale = 72 / axes.figure.dpi
    wanted = sorted(
        ((float(axes.transData.transform((label.x, label.y))[1]) * scale, label) for label in labels),
        key=lambda pair: pair[0],
    )
    heights = apart([height for height, _ in wanted], LABEL_GAP_POINTS)
    for height, (true_height, label) in zip(heights, wanted, strict=True):
        tag(
            axes,
            label.text,
            (label.x, label.y),
            (shift[0], shift[1] + height - true_height),
            xycoords="data",
            color=label.colour,
            fontweight="bold" if label.bold else "normal",
            va="center",
            annotation_clip=False,
            **style,
        )


def apart(heights: Sequence[float], gap: float) -> list[float]:
    """Move ascending heights as little as it takes for each to be `gap` above the one before."""
    blocks: list[list[float]] = []  # [sum of heights less their steps, count]
    for height in heights:
        blocks.append([height, 1])
        while len(blocks) > 1 and _centre(blocks[-2]) + gap * (blocks[-2][1] + blocks[-1][1]) / 2 > _centre(blocks[-1]):
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    return [_centre(block) + gap * (place - (block[1] - 1) / 2) for block in blocks for place in range(int(block[1]))]


def mark(axes: Axes, height: float, text: str, colour: str, side: str = "left") -> None:
    """Draw a horizontal line that is named above its left or right end."""
    axes.axhline(height, color=colour, lw=1.2, ls=(0, (4, 3)), zorder=1.5)
    within = BACKING | {"pad": 0}  # a wider backing would cover the line itself
    end, shift = (0, 3) if side == "left" else (1, -3)
    across = ("axes fraction", "data")
    tag(axes, text, (end, height), (shift, 5), xycoords=across, color=colour, bbox=within, ha=side)


def tag(axes: Axes, text: str, place: tuple[float, float], shift: tuple[float, float], **style: Any) -> None:
    """Write a word `shift` points from a place, by default one in fractions of the axes."""
    defaults: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "bbox": BACKING}
    axes.annotate(text, place, shift, **(defaults | style))


def thousands(value: float, _: object = None) -> str:
    """Return a tick's number: 0.5, 30, 1,000."""
    return f"{value:,.0f}" if abs(value) >= 10 or float(value).is_integer() else f"{value:g}"


def _centre(block: Sequence[float]) -> float:
    return block[0] / block[1]
