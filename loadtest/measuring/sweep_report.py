"""A sweep's measurements as Markdown, CSV and a picture."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from measuring.plot import FAINT, INK, MET, STYLE
from measuring.recommendation import QUEUE_REASON, QUEUE_RULE, RULE
from measuring.spread import Spread
from measuring.sweeping import Axis, Measurement
from measuring.tables import number, table

COLOURS = ("#8fb3d9", "#4d86c2", "#1f5fa8", "#0b2e57", "#c2571a", "#7a4fa3")


def markdown(
    record: Mapping[str, Any],
    axes: Sequence[Axis],
    measurements: Sequence[Measurement],
    together: Sequence[Measurement],
) -> str:
    """Return the report: what to use and why, then a table per axis."""
    machine, queue = record["machine"], record["queue"]
    kept = "within the objective" if queue["kept_objective"] else "**beyond the objective**"
    most = max(one.users for one in together)
    lines = [
        "# Sweep of batching and threads\n",
        f"{record['started_utc']}, `{record['command']}`\n",
        f"{machine['cpu']}, {machine['cores']} cores ({', '.join(machine['flags'])}); "
        + ", ".join(f"{name} {text}" for name, text in machine["versions"].items())
        + f". Rounds: {record['rounds']}, {record['seconds']:g} s a measurement; every answer was checked and right.",
        "\n## Recommended\n",
        *table(("model-config.yaml", "value"), ((key, str(value)) for key, value in record["settings"].items())),
        f"\n{RULE}\n",
        *table(
            ("axis", "chosen", f"images/s, {most} users", "least to most", "spread"),
            (_choice(axis, record["recommended"][axis.name], most, measurements) for axis in axes),
        ),
        "\nThe spread is that of the chosen setting's rounds, in percent of the median: settings that lie closer to "
        "each other than that may have been told apart by chance.\n",
        *table(
            ("measured together", "images/s", "least to most", "p50, ms", "p99, ms"),
            (_together(users, together) for users in sorted({one.users for one in together})),
        ),
        f"\n{QUEUE_RULE}: {QUEUE_REASON}. {queue['capacity_images_per_s']:.1f} images/s and "
        f"{queue['objective_seconds']:g} s give {queue['job_queue_size']}. Tried with {queue['users']} users: "
        f"{queue['busy']} refusals (503), p99 of the answered {queue['p99_ms']:,.0f} ms: {kept}.",
    ]
    for axis in axes:
        users = sorted({one.users for one in measurements})
        head = (axis.name, *(f"{count} users: images/s, p50, p99 ms" for count in users), "images per batch")
        rows = [_row(axis, setting, users, measurements) for setting in axis.settings]
        lines += [f"\n## {axis.name}\n", *table(head, rows)]
    return "\n".join([*lines, ""])


def rows_of_csv(measurements: Sequence[Measurement]) -> str:
    """Return every measurement as a line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Measurement)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in measurements)
    return text.getvalue()


def png(record: Mapping[str, Any], axes: Sequence[Axis], measurements: Sequence[Measurement]) -> bytes:
    """Return a picture with a column per axis: images per second above, latency below."""
    with mpl.rc_context(STYLE):
        canvas = Canvas(figsize=(3.4 * len(axes) + 1, 7.2), dpi=130, layout="constrained")
        grid = canvas.subplots(2, len(axes), squeeze=False, sharey="row")
        for column, axis in enumerate(axes):
            kept = [one for one in measurements if one.axis == axis.name]
            _draw(grid[0][column], axis, kept, "images_per_s", record["recommended"][axis.name])
            _draw(grid[1][column], axis, kept, "p50_ms", record["recommended"][axis.name])
            grid[0][column].set_title(axis.name)
            grid[1][column].set_yscale("log")
        scale = grid[1][0].yaxis  # shared by its row
        scale.set_major_locator(mpl.ticker.LogLocator(subs=(1, 2, 5)))
        scale.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
        scale.set_minor_locator(mpl.ticker.NullLocator())
        grid[0][0].set_ylabel("images per second")
        grid[0][0].set_ylim(bottom=0)
        grid[1][0].set_ylabel("p50 and, faint, p99: ms (logarithmic)")
        handles, labels = grid[0][0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        machine = record["machine"]
        canvas.suptitle(
            f"{machine['cpu']}, {machine['cores']} cores · {record['started_utc']}\n"
            f"median, least and most of {record['rounds']} round{'s' * (record['rounds'] != 1)} · green: recommended",
            fontsize=10.5,
            x=0.01,
            ha="left",
        )
        out = io.BytesIO()
        canvas.savefig(out, format="png", metadata={"Software": ""})
        return out.getvalue()


def _draw(axes: Axes, axis: Axis, kept: Sequence[Measurement], field: str, recommended: str) -> None:
    settings = list(axis.settings)
    axes.axvspan(settings.index(recommended) - 0.4, settings.index(recommended) + 0.4, color=MET, alpha=0.12, lw=0)
    for users, colour in zip(sorted({one.users for one in kept}), COLOURS, strict=False):
        found = [_spread(kept, setting, users, field) for setting in settings]
        middle = [spread.median for spread in found]
        bars = [[spread.median - spread.least for spread in found], [spread.most - spread.median for spread in found]]
        label = f"{users} user{'s' * (users != 1)}"
        axes.errorbar(range(len(found)), middle, bars, marker="o", ms=5, lw=1.8, color=colour, label=label)
        if field == "p50_ms":
            slow = [_spread(kept, setting, users, "p99_ms").median for setting in settings]
            axes.plot(range(len(found)), slow, "--", lw=1, color=colour, alpha=0.5)
    tilt = 20 if max(map(len, settings)) > 4 else 0
    axes.set_xticks(range(len(settings)), settings, rotation=tilt, ha="right" if tilt else "center", color=INK)
    axes.set_xlim(-0.5, len(settings) - 0.5)
    axes.grid(axis="y", color=FAINT, lw=0.8)


def _row(axis: Axis, setting: str, users: Sequence[int], measurements: Sequence[Measurement]) -> tuple[str, ...]:
    kept = [one for one in measurements if one.axis == axis.name]
    cells = []
    for count in users:
        rate, p50, p99 = (_spread(kept, setting, count, field).median for field in ("images_per_s", "p50_ms", "p99_ms"))
        cells.append(f"{number(rate)}, {p50:,.0f}, {p99:,.0f}")
    batches = [one.mean_batch for one in kept if one.setting == setting and one.users == users[-1] and one.mean_batch]
    return (setting, *cells, number(Spread.of(batches).median) if batches else "")


def _choice(axis: Axis, chosen: str, users: int, measurements: Sequence[Measurement]) -> tuple[str, ...]:
    rate = _spread([one for one in measurements if one.axis == axis.name], chosen, users, "images_per_s")
    share = (rate.most - rate.least) / rate.median
    return (axis.name, chosen, number(rate.median), f"{number(rate.least)} to {number(rate.most)}", f"{share:.1%}")


def _together(users: int, together: Sequence[Measurement]) -> tuple[str, ...]:
    rate, p50, p99 = (
        Spread.of(getattr(one, field) for one in together if one.users == users)
        for field in ("images_per_s", "p50_ms", "p99_ms")
    )
    range_ = f"{number(rate.least)} to {number(rate.most)}"
    return (f"{users} users", number(rate.median), range_, f"{p50.median:,.0f}", f"{p99.median:,.0f}")


def _spread(kept: Sequence[Measurement], setting: str, users: int, field: str) -> Spread:
    return Spread.of(getattr(one, field) for one in kept if (one.setting, one.users) == (setting, users))
