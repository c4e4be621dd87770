"""A session's record as Markdown and as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence

from measuring import figures
from measuring.figures import Figure, Record
from measuring.spread import Spread


def markdown(record: Record) -> str:
    """Return the whole report."""
    return "\n".join(
        [
            "# Benchmark\n",
            *_session(record),
            "\n## Must reach\n",
            *table(("figure", "must be", "median", "least to most", ""), map(_goal_row, figures.goals(record))),
            "\nRatios are medians of the ratios of each round, so that a drift of the machine cancels.",
            "\n## Images per second\n",
            *table(("", "median", "least to most"), map(_row, figures.throughputs(record))),
            "\n## Images per batch that the server formed\n",
            *table(("", "median", "least to most"), map(_row, figures.mean_batches(record))),
            "\n## Latency, ms\n",
            *table(("", *(f"p{percent}" for percent in figures.PERCENTILES)), _latency_rows(record)),
            "\n## CPU time per image, ms\n",
            *table(("", "worker", "Java", "load generator"), _cpu_rows(record)),
            "\n## Memory of the worker, MiB\n",
            *table(("", *figures.MEMORIES.values()), _memory_rows(record)),
            "\n## One user, ms\n",
            *table(("", "median", "least to most"), _lone_rows(record)),
            "\n## The machine at its best\n",
            *table(("product of large matrices", "median", "least to most"), _peak_rows(record)),
            *_warnings(record),
            "",
        ]
    )


def rows_of_csv(record: Record) -> str:
    """Return every figure's value of every round: figure, unit, round, value, must be."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("figure", "unit", "round", "value", "must_be"))
    for figure in (
        *figures.goals(record),
        *figures.throughputs(record),
        *figures.mean_batches(record),
        *figures.latency_figures(record),
        *figures.cpu_figures(record),
        *figures.memory_figures(record),
    ):
        for number, value in enumerate(figure.values, start=1):
            writer.writerow((figure.name, figure.unit, number, f"{value:.6g}", figure.target or ""))
    return text.getvalue()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table; every column but the first is aligned to the right."""
    marks = ["---", *["---:"] * (len(head) - 1)]
    return [f"| {' | '.join(cells)} |" for cells in (head, marks, *rows)]


def _session(record: Record) -> list[str]:
    machine, options = record["machine"], record["options"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    contenders = "; ".join(
        f"**{name}**: {_what_runs(one)}, at most {record['shift_from_fp32'][name]:.4f} from the fp32 reference"
        for name, one in record["contenders"].items()
    )
    told_apart = ", ".join(f"{name} {100 * share:.1f} %" for name, share in record["told_apart"].items())
    return [
        f"{record['started_utc']}, `{record['command']}`\n",
        f"{machine['cpu']}, {machine['cores']} cores ({', '.join(machine['flags'])}), {machine['memory_gib']} GiB, "
        f"{machine['system']}; {versions}.\n",
        f"Model {record['checkpoint']}; {contenders}. {options['pictures']} JPEGs of "
        f"{record['mean_picture_kb']:.0f} kB on average, every body sent only once; "
        f"alternating rounds: {len(record['rounds'])}, {options['seconds']:g} s for each measurement. "
        f"Every one of {record['checked_answers']:,} answers was checked and right. Checked are scores and, in ours, "
        "actions; if one picture's scores came in another's place, that would show in so many of all pairs: "
        f"{told_apart}.",
    ]


def _what_runs(description: Record) -> str:
    merged = description["merge_tokens"]
    merging = f"{merged} tokens merged a layer" if merged else "no tokens merged"
    words = [description["engine"], description["precision"], merging]
    if actions := description.get("actions"):
        words.append("actions " + " and ".join(f"{action} {count}" for action, count in sorted(actions.items())))
    return ", ".join(words)


def _goal_row(figure: Figure) -> tuple[str, ...]:
    met = {None: "", True: "met", False: "**not met**"}[figure.is_met]
    return (figure.name, str(figure.target or ""), *_spread(figure.spread, figure.unit), met)


def _row(figure: Figure) -> tuple[str, ...]:
    return (figure.name, *_spread(figure.spread))


def _latency_rows(record: Record) -> Iterable[tuple[str, ...]]:
    for name in record["contenders"]:
        for users in figures.asked_of(record, name):
            found = figures.latencies(record, name, users)
            yield (f"{name}, {users} user{'s' * (users != '1')}", *(f"{ms:,.0f}" for ms in found.values()))


def _cpu_rows(record: Record) -> Iterable[tuple[str, ...]]:
    for name in record["contenders"]:
        for users in figures.users_of(record):
            groups = (figures.cpu_seconds(record, name, users, group) for group in figures.CPU_GROUPS)
            spreads = [Spread.of(1000 * seconds for seconds in rounds) for rounds in groups]
            yield (
                f"{name}, {users} users",
                *(f"{one.median:,.2f} ({one.least:,.2f} to {one.most:,.2f})" for one in spreads),
            )


def _memory_rows(record: Record) -> Iterable[tuple[str, ...]]:
    for name, moments in record["memory"].items():
        for moment, held in moments.items():
            yield (f"{name}, {figures.MOMENTS[moment]}", *(f"{held[kind]:,.0f}" for kind in figures.MEMORIES))


def _lone_rows(record: Record) -> Iterable[tuple[str, ...]]:
    for name in figures.own_names(record):
        for part in ("decode", "forward", "pipeline", "server"):
            medians = [Spread.of(one[name]["lone"][part]).median for one in record["rounds"]]
            yield (f"{name}: {part}, p50", *_spread(Spread.of(medians)))
        yield (f"{name}: server minus decode and forward", *_spread(Spread.of(figures.lone_overhead(record, name))))


def _peak_rows(record: Record) -> Iterable[tuple[str, ...]]:
    for precision in record["rounds"][0]["peaks_gflops"]:
        spread = Spread.of(one["peaks_gflops"][precision] for one in record["rounds"])
        yield (f"{precision}, G{'OP' if precision == 'int8' else 'FLOP'}/s", *_spread(spread))


def _warnings(record: Record) -> list[str]:
    found = figures.warnings(record)
    return ["\n## Doubtful\n", *(f"- {warning}" for warning in found)] if found else []


def _spread(spread: Spread, unit: str = "") -> tuple[str, str]:
    """Return median and range with three significant digits or more."""
    suffix = {"x": "", "images/s": "/s"}.get(unit, f" {unit}".rstrip())
    least, most = number(spread.least), number(spread.most)
    return f"{number(spread.median)}{suffix}", f"{least} to {most}" if least != most else ""


def number(value: float) -> str:
    """Return a number as people read it: 0.93, 4.12, 18.5, 1,530."""
    digits = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:,.{digits}f}"
