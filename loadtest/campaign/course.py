"""The overload's course over time: what was offered, answered and refused, and the p99 below it."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from campaign import axes as look
from campaign.axes import COLOURS, LEFT, MUTED, OBJECTIVE_COLOUR, OTHER_COLOUR, REFUSED_COLOUR, SHADE, SHADE_INK
from campaign.findings import ms
from campaign.record import Overload, TargetRecord

WIDTH = 0.875
LEGEND_POINTS = (112.0, 50.0, 0.0)  # from the right: offered, answered, refused, each beside the next


def overload(canvas: Canvas, name: str, target: TargetRecord) -> None:
    """Draw rates above, p99 below, the time over capacity shaded and the recovery marked."""
    over, colour = target.overload, COLOURS.get(name, OTHER_COLOUR)
    rates = canvas.add_axes((LEFT, 0.52, WIDTH, 0.415))
    waits = canvas.add_axes((LEFT, 0.115, WIDTH, 0.28))
    look.plain(rates, "requests/s")
    look.plain(waits, "p99 of answers, ms", "seconds")
    begin, end = over_capacity(over)
    length = max([_edges(over)[-1], end + (over.recovered_seconds or 0), 1.0])
    for axes in (rates, waits):
        axes.set_xlim(0, length)
        axes.axvspan(begin, end, color=SHADE, lw=0, zorder=0)
        if over.recovered_seconds is not None:
            axes.axvline(end + over.recovered_seconds, color=MUTED, lw=1.1, ls=(0, (1, 2)), zorder=1.5)
    rates.tick_params(labelbottom=False)
    _draw_rates(rates, over, colour, begin, end)
    _draw_waits(waits, target, colour)


def over_capacity(over: Overload) -> tuple[float, float]:
    """Return the seconds between which the profile's highest rate was offered."""
    begin, peak = 0.0, max((rate for rate, _ in over.profile), default=0)
    for rate, seconds in over.profile:
        if rate == peak:
            return begin, begin + seconds
        begin += seconds
    return 0.0, 0.0


def _draw_rates(axes: Axes, over: Overload, colour: str, begin: float, end: float) -> None:
    lines = {
        "offered": ([moment.offered_per_s for moment in over.timeline], MUTED, 1.2),
        "answered": ([moment.right_per_s for moment in over.timeline], colour, 2.0),
        "refused": ([moment.refused_per_s for moment in over.timeline], REFUSED_COLOUR, 1.6),
    }
    for (word, (rates, shade, width)), from_right in zip(lines.items(), LEGEND_POINTS, strict=True):
        # What is offered is drawn thin and last, so that neither line hides the other where they agree.
        above = 2.5 if word == "offered" else 2.0
        axes.stairs(rates, _edges(over), baseline=None, color=shade, lw=width, zorder=above)
        look.tag(axes, word, (1, 1), (-from_right, 5), color=shade, ha="right", fontweight="bold")
    room_for_words = 1.2
    look.from_zero(axes, room_for_words * max((rate for rates, _, _ in lines.values() for rate in rates), default=1))
    if end > begin:
        middle, across = (begin + end) / 2, ("data", "axes fraction")
        within = look.BACKING | {"fc": SHADE}
        look.tag(
            axes, "over capacity", (middle, 1), (0, -11), xycoords=across, ha="center", color=SHADE_INK, bbox=within
        )


def _edges(over: Overload) -> list[float]:
    """Return where the slices begin, and where the last one ends."""
    seconds = [moment.second for moment in over.timeline]
    if not seconds:
        return [0.0]
    last = seconds[-1] - seconds[-2] if len(seconds) > 1 else 1.0
    return [*seconds, seconds[-1] + last]


def _draw_waits(axes: Axes, target: TargetRecord, colour: str) -> None:
    over, objective = target.overload, target.knee.objective_ms
    seen = [(moment.second, moment.p99_ms) for moment in over.timeline if moment.p99_ms is not None]
    gaps = [float("nan") if moment.p99_ms is None else moment.p99_ms for moment in over.timeline]
    axes.stairs(gaps, _edges(over), baseline=None, color=colour, lw=2.0)
    look.from_zero(axes, max([objective, *(p99 for _, p99 in seen)]) * 1.12)
    look.mark(axes, objective, f"objective {ms(objective)}", OBJECTIVE_COLOUR, "right")
    end = over_capacity(over)[1]
    text = (
        f"no recovery in {over.watched_seconds:.0f} s"
        if over.recovered_seconds is None
        else f"recovered after {over.recovered_seconds:.1f} s"
    )
    back = end + (over.recovered_seconds or 0)
    ha, shift = ("left", 6) if back < 0.65 * axes.get_xlim()[1] else ("right", -6)
    look.tag(axes, text, (back, 1), (shift, 5), xycoords=("data", "axes fraction"), ha=ha)
