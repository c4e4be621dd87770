"""Curves against load: throughput and latency by users, latency by offered and achieved by arrived rate."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from campaign import axes as look
from campaign import groups
from campaign.axes import COLOURS, INK, MUTED, OBJECTIVE_COLOUR, OTHER_COLOUR, Label
from campaign.findings import digits, ms
from campaign.groups import PERCENTILES, Figure, Group
from campaign.record import Run, TargetRecord
from measuring.tables import number

WEIGHTS = {"p50": {"lw": 1.2, "ms": 3, "alpha": 0.6}, "p95": {"lw": 1.6, "ms": 3.5, "alpha": 0.8}, "p99": {"lw": 2.2}}
Targets = Mapping[str, TargetRecord]


def by_users(canvas: Canvas, targets: Targets, figure: Figure, unit: str, with_capacity: bool = False) -> None:
    """Draw one figure of every target against the users in closed loop, with a ring at each target's capacity."""
    axes = look.one(canvas, unit, "users, each waiting for its answer; logarithmic")
    tried: set[int] = set()
    labels, most = [], 0.0
    for name, target in targets.items():
        found = groups.by_setting(target.closed)
        users = _users(found)
        tried |= set(users)
        end = look.line(axes, users, found, figure, _colour(name))
        most = max([most, *(value for group in found for value in group.values(figure))])
        if end:
            labels.append(Label(*end, f"{groups.title(name)} {number(end[1])}", _colour(name), True))
        if with_capacity and found:
            ring: dict[str, Any] = {"ms": 10, "mfc": "none", "mew": 1.4}
            axes.plot(target.capacity_users, target.capacity_per_s, "o", mec=_colour(name), **ring)
    look.users_axis(axes, sorted(tried) or [1])
    look.from_zero(axes, most)
    look.beside(axes, labels)
    if with_capacity:
        look.tag(axes, "ring: capacity", (1, 0), (-4, 6), ha="right", color=MUTED)


def latency_by_users(canvas: Canvas, name: str, targets: Targets) -> None:
    """Draw p50, p95 and p99 of one target against the users, on the scale that suits every target."""
    axes = look.one(canvas, "ms, logarithmic", "users, each waiting for its answer; logarithmic")
    found = groups.by_setting(targets[name].closed)
    users = _users(found)
    labels = _percentile_lines(axes, users, found, name)
    look.users_axis(axes, users or [1])
    look.logarithmic(axes, _latencies(target.closed for target in targets.values()))
    look.beside(axes, labels)


def latency_by_offered(canvas: Canvas, name: str, targets: Targets) -> None:
    """Draw p50, p95 and p99 of one target against the offered rate, with objective, capacity and knee."""
    target = targets[name]
    axes = look.one(canvas, "ms from the intended time, logarithmic", "requests offered per second")
    found = groups.by_setting(target.open)
    offered = [group.median(groups.offered) or 0 for group in found]
    labels = _percentile_lines(axes, offered, found, name)
    tried = [(one.rate_per_s, one.p99_ms, one.failures) for one in target.knee.tried if one.p99_ms is not None]
    for rate, p99, failures in tried:
        axes.plot(rate, p99, "x" if failures else "o", color=_colour(name), ms=5, mfc="white", zorder=3)
    objective = target.knee.objective_ms
    look.logarithmic(
        axes, [*_latencies(one.open for one in targets.values()), objective, *(p99 for _, p99, _ in tried)]
    )
    room_for_words = 1.35 * max(target.capacity_per_s, target.knee.rate_per_s or 0)
    axes.set_xlim(0, max([*(1.02 * rate for rate in (*offered, *(rate for rate, _, _ in tried))), room_for_words, 1]))
    look.mark(axes, objective, f"objective {ms(objective)}", OBJECTIVE_COLOUR)
    marks = [(target.capacity_per_s, f"capacity {number(target.capacity_per_s)}", MUTED)]
    if target.knee.rate_per_s is not None:
        marks.insert(0, (target.knee.rate_per_s, f"knee {number(target.knee.rate_per_s)}", INK))
    sides = ("left",) if len(marks) == 1 else ("right", "left")  # the lower one's word lies on its left: they part
    for side, (place, text, colour) in zip(sides, sorted(marks, key=lambda one: one[0]), strict=True):
        _upright(axes, place, text, colour, side)
    look.beside(axes, labels)


def achieved(canvas: Canvas, targets: Targets) -> None:
    """Draw the rate that was answered against the one that arrived."""
    axes = look.one(canvas, "requests answered/s", "requests that arrived per second")
    labels, most = [], 1.0
    for name, target in targets.items():
        found = groups.by_setting(target.open)
        arrived = [group.median(groups.arrived) or 0 for group in found]
        end = look.line(axes, arrived, found, groups.answered, _colour(name))
        most = max([most, *arrived, *(run.answered_per_s for run in target.open)])
        if end:
            labels.append(Label(*end, f"{groups.title(name)} {number(end[1])}", _colour(name), True))
    axes.plot([0, most], [0, most], color=MUTED, lw=1, ls=(0, (4, 3)), zorder=1)
    axes.set_xlim(0, most * 1.02)
    look.from_zero(axes, most)
    labels.append(Label(most, most, "all that\narrives", MUTED))
    look.beside(axes, labels)


def _percentile_lines(axes: Axes, places: Sequence[float], found: Sequence[Group], name: str) -> list[Label]:
    labels = []
    for percentile in PERCENTILES:
        end = look.line(axes, places, found, groups.percentile(percentile), _colour(name), **WEIGHTS[percentile])
        if end:
            labels.append(Label(*end, f"{percentile} {digits(end[1])}", _colour(name), percentile == "p99"))
    return labels


def _upright(axes: Axes, place: float, text: str, colour: str, side: str) -> None:
    """Draw a vertical line, named at its foot on one side of it."""
    axes.axvline(place, color=colour, lw=1.1, ls=(0, (1, 2)), zorder=1.5)
    shift = (4 if side == "left" else -4, 5)
    look.tag(axes, text, (place, 0), shift, xycoords=("data", "axes fraction"), ha=side, color=colour)


def _latencies(runs_of_targets: Iterable[Sequence[Run]]) -> list[float]:
    return [
        getattr(run.latency, name)
        for runs in runs_of_targets
        for run in runs
        if run.latency is not None
        for name in PERCENTILES
    ]


def _users(found: Sequence[Group]) -> list[int]:
    return [group.runs[0].users or 1 for group in found]


def _colour(name: str) -> str:
    return COLOURS.get(name, OTHER_COLOUR)
