"""Rows and bars: batches by size, latency by kind of request, and what batch settings change."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter

from campaign import axes as look
from campaign import groups
from campaign.axes import BOTTOM, COLOURS, FAINT, INK, MUTED, OTHER_COLOUR, TOP
from campaign.groups import Figure, Group
from campaign.record import Run, TargetRecord
from measuring.tables import number

Targets = Mapping[str, TargetRecord]


def batch_sizes(canvas: Canvas, targets: Targets) -> None:
    """Draw the share of the batches that held so many requests, at capacity."""
    axes = look.one(canvas, "% of the batches", "requests in a batch", right=0.96)
    found = {name: groups.pooled_batches(groups.at_capacity(target).runs) for name, target in targets.items()}
    found = {name: sizes for name, sizes in found.items() if sizes}
    width, most = 0.8 / max(len(found), 1), 0.0
    for place, (name, sizes) in enumerate(found.items()):
        shares = [100 * count / sum(sizes.values()) for count in sizes.values()]
        shift = (place - (len(found) - 1) / 2) * width
        axes.bar([size + shift for size in sizes], shares, width * 0.92, color=_colour(name))
        most = max(most, *shares)
        mean = groups.mean_of({str(size): count for size, count in sizes.items()}) or 0
        users = targets[name].capacity_users
        words = f"{groups.title(name)}: {users} users, {mean:.1f} on average"
        look.tag(axes, words, (0, 1), (3, -10 - 13 * place), color=_colour(name), fontweight="bold")
    largest = max((size for sizes in found.values() for size in sizes), default=8)
    axes.set_xlim(0.4, largest + 0.6)
    axes.set_xticks(range(1, largest + 1, max(1, largest // 16)))
    look.from_zero(axes, most * 1.1)


def kinds(canvas: Canvas, targets: Targets) -> None:
    """Draw p50 to p99 of each kind of request in the mixed traffic, a row per kind."""
    found = {name: Group("", target.mixed) for name, target in targets.items() if target.mixed}
    names = list(dict.fromkeys(kind for group in found.values() for kind in groups.kinds(group.runs)))
    axes = canvas.add_axes((0.17, BOTTOM, 0.79, TOP - BOTTOM))
    rows, seen = _rows(axes, names, "ms, logarithmic"), []
    for place, (name, group) in enumerate(found.items()):
        shift = (place - (len(found) - 1) / 2) * 0.3
        for row, kind in zip(rows, names, strict=True):
            ends = [group.median(groups.kind_percentile(kind, one)) for one in groups.PERCENTILES]
            if None in ends:
                continue
            p50, p95, p99 = (end or 0 for end in ends)
            seen += [p50, p99]
            axes.plot([p50, p99], [row + shift] * 2, color=_colour(name), lw=2, alpha=0.45, solid_capstyle="butt")
            axes.plot(p50, row + shift, "o", color=_colour(name), ms=5.5)
            axes.plot([p95, p99], [row + shift] * 2, "|", color=_colour(name), ms=8, mew=1.8)
    look.logarithmic(axes, seen, "x")
    for place, name in enumerate(found):
        from_right = (-38.0 * (len(found) - 1 - place), 5)
        look.tag(axes, groups.title(name), (1, 1), from_right, color=_colour(name), fontweight="bold", ha="right")
    look.tag(axes, "dot p50, first mark p95, last mark p99", (0, 1), (0, 5), color=MUTED)


def batching(canvas: Canvas, runs: Sequence[Run]) -> None:
    """Draw images per second and p95 of each batch setting, a row per setting."""
    found = groups.by_setting(runs)
    names = [group.setting for group in found]
    left = canvas.add_axes((0.25, BOTTOM, 0.31, TOP - BOTTOM))
    right = canvas.add_axes((0.64, BOTTOM, 0.31, TOP - BOTTOM))
    for axes, figure, unit, shown in (
        (left, groups.images, "images/s", names),
        (right, groups.percentile("p95"), "p95, ms", [""] * len(names)),
    ):
        rows = _rows(axes, shown, unit)
        most = max((value for group in found for value in group.values(figure)), default=1)
        for row, group in zip(rows, found, strict=True):
            _dot(axes, row, group, figure)
        axes.set_xlim(0, most * 1.3)


def _dot(axes: Axes, row: float, group: Group, figure: Figure) -> None:
    spread = group.spread(figure)
    if spread is None:
        return
    axes.plot([0, spread.median], [row, row], color=OTHER_COLOUR, lw=2.5, alpha=0.25, solid_capstyle="butt")
    axes.plot([spread.least, spread.most], [row, row], color=INK, lw=1.2, zorder=3)
    axes.plot(spread.median, row, "o", color=OTHER_COLOUR, ms=6, zorder=4)
    text = number(spread.median)
    look.tag(axes, text, (spread.most, row), (7, 0), xycoords="data", va="center", fontweight="bold")


def _rows(axes: Axes, names: Sequence[str], unit: str) -> range:
    """Name the rows, the first on top."""
    rows = range(len(names))
    axes.set_yticks(rows, names, color=INK)
    axes.set_ylim(len(names) - 0.45, -0.55)
    axes.grid(axis="x", color=FAINT, lw=0.8)
    axes.set_xlabel(unit, labelpad=5)
    axes.xaxis.set_major_formatter(FuncFormatter(look.thousands))
    return rows


def _colour(name: str) -> str:
    return COLOURS.get(name, OTHER_COLOUR)
