"""Two reports next to each other: ratios, and whether a difference is more than the rounds differ among themselves."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign import findings, groups
from campaign.groups import Figure
from campaign.record import Record, Run, TargetRecord
from measuring.spread import Spread
from measuring.tables import number, table

BEYOND, WITHIN, UNKNOWN = "beyond the spread", "within the spread", "unknown, one round"
HARDWARE = ("cpu", "cores", "flags", "memory_gib")
HEAD = ("", "A", "B", "B / A", "difference")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of both reports, a value per round."""

    name: str
    unit: str
    a: tuple[float, ...]
    b: tuple[float, ...]
    more_is_better: bool | None = False

    @property
    def ratio(self) -> float | None:
        """Return B's median over A's; None where that can't be had."""
        if not self.a or not self.b or not Spread.of(self.a).median:
            return None
        return Spread.of(self.b).median / Spread.of(self.a).median

    @property
    def verdict(self) -> str:
        """Return whether the ranges over the rounds lie apart, and which way."""
        if not self.a or not self.b:
            return f"only in {'A' if self.a else 'B'}"
        if min(len(self.a), len(self.b)) < 2:
            return UNKNOWN
        a, b = Spread.of(self.a), Spread.of(self.b)
        if a.least <= b.most and b.least <= a.most:
            return WITHIN
        if self.more_is_better is None:
            return BEYOND
        return f"**{BEYOND}**, {'better' if (b.median > a.median) is self.more_is_better else 'worse'}"


def run(a: Path, b: Path, out: Path | None) -> str:
    """Compare the reports in two folders; returns Markdown, which is written to `out` too where one is given.

    Raises ValueError for a folder that holds no report that can be read.
    """
    text = markdown(load(a), load(b), a.name, b.name)
    if out is not None:
        out.write_text(text, encoding="utf-8")
    return text


def load(folder: Path) -> Record:
    """Read a folder's report.json. Raises ValueError that names the file and what is the matter."""
    file = folder / "report.json"
    if not file.is_file():
        raise ValueError(f"{file} does not exist; compare takes the folders that scripts/loadtest wrote")
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError("no JSON object")
        return Record.from_json(values)
    except (ValueError, KeyError, TypeError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{file} can't be read as a report: {what}") from error


def markdown(a: Record, b: Record, name_a: str, name_b: str) -> str:
    """Return the whole comparison."""
    lines = [
        "# Two load tests compared\n",
        f"- A: {name_a}, {a.started_utc}, `{a.command}`, rounds: {a.rounds}",
        f"- B: {name_b}, {b.started_utc}, `{b.command}`, rounds: {b.rounds}",
        *_about_differences(differences(a, b)),
        "\nValues are medians over the rounds, least to most in brackets. A difference is beyond the spread when no "
        "round of one report lies within the rounds of the other; with three rounds that is a hint, not a proof.",
    ]
    for target in (name for name in a.targets if name in b.targets):
        rows = _target_rows(a.targets[target], b.targets[target])
        lines += [f"\n## {groups.title(target)}\n", *table(HEAD, map(_cells, rows))]
    for name in sorted(a.targets.keys() ^ b.targets.keys()):
        lines.append(f"\n{groups.title(name)} was measured only in {'A' if name in a.targets else 'B'}.")
    if a.batching and b.batching:
        rows = _paired(a.batching, b.batching, "", (("images/s", "", groups.images, True),))
        lines += ["\n## Batch settings\n", *table(HEAD, map(_cells, rows))]
    return "\n".join([*lines, ""])


def differences(a: Record, b: Record) -> dict[str, tuple[object, object]]:
    """Return what differs between the machines, services, pictures and settings, by a dotted name."""
    flat = [
        _flat("", {part: getattr(one, part) for part in ("machine", "service", "pictures", "profile", "own_server")})
        for one in (a, b)
    ]
    names = [*flat[0], *(name for name in flat[1] if name not in flat[0])]
    found = {name: (flat[0].get(name, "not given"), flat[1].get(name, "not given")) for name in names}
    for name in (name for name in a.targets if name in b.targets):
        one, other = a.targets[name], b.targets[name]
        for what in ("closed", "mixed", "open"):
            traffic = [", ".join(sorted({run.traffic for run in getattr(side, what)})) for side in (one, other)]
            if all(traffic):
                found[f"{name}.{what}.traffic"] = (traffic[0], traffic[1])
        found[f"{name}.objective_ms"] = (one.knee.objective_ms, other.knee.objective_ms)
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _about_differences(found: Mapping[str, tuple[object, object]]) -> Iterator[str]:
    yield "\n## What differs between the two\n"
    if not found:
        yield "Machine, model and settings are the same."
        return
    if other := [name for name in HARDWARE if f"machine.{name}" in found]:
        yield (
            f"> **WARNING: these are different machines ({', '.join(other)}).** "
            "The ratios below compare machines as much as servers.\n"
        )
    yield from table(("", "A", "B"), ((name, _plain(pair[0]), _plain(pair[1])) for name, pair in found.items()))


def _target_rows(a: TargetRecord, b: TargetRecord) -> Iterator[Row]:
    best, other = groups.at_capacity(a), groups.at_capacity(b)
    for name, unit, figure, more_is_better in (
        ("capacity", "requests/s", groups.answered, True),
        ("mean batch at capacity", "requests", groups.mean_batch, None),
        ("CPU per image at capacity", "ms", groups.cpu_ms_per_image, False),
        ("memory at capacity", "MiB", lambda run: run.server.memory_mib, False),
    ):
        row = Row(name, unit, tuple(best.values(figure)), tuple(other.values(figure)), more_is_better)
        if row.a or row.b:
            yield row
    yield Row("knee", "requests/s", _one(a.knee.rate_per_s), _one(b.knee.rate_per_s), True)
    yield Row("recovery", "s", _one(a.overload.recovered_seconds), _one(b.overload.recovered_seconds))
    for name, figure in (("refusals", groups.refusal_p99), ("accepted", groups.percentile("p99"))):
        yield Row(f"{name} in overload, p99", "ms", _one(figure(a.overload.run)), _one(figure(b.overload.run)))
    latencies = [(name, "ms", groups.percentile(name), False) for name in groups.PERCENTILES]
    throughput = ("throughput", "requests/s", groups.answered, True)
    yield from _paired(a.closed, b.closed, "", (throughput, *latencies))
    yield from _paired(a.open, b.open, " of its own capacity", (throughput, *latencies))


def _paired(
    a: Iterable[Run], b: Iterable[Run], suffix: str, asked: Iterable[tuple[str, str, Figure, bool]]
) -> Iterator[Row]:
    """Give a row for each setting that both have and each figure asked for."""
    others = {group.setting: group for group in groups.by_setting(b)}
    pairs = [(group, others[group.setting]) for group in groups.by_setting(a) if group.setting in others]
    for name, unit, figure, more_is_better in asked:
        for one, other in pairs:
            values = tuple(one.values(figure)), tuple(other.values(figure))
            if any(values):
                yield Row(f"{name}, {one.setting}{suffix}", unit, *values, more_is_better)


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    if not row.a and not row.b:
        return row.name, "none", "none", "", ""
    return row.name, _shown(row.a, row.unit), _shown(row.b, row.unit), ratio, row.verdict


def _shown(values: tuple[float, ...], unit: str) -> str:
    if not values:
        return "none"
    spread = Spread.of(values)
    between = f" ({findings.between(spread)})" if len(values) > 1 else ""
    return f"{number(spread.median)} {unit}".rstrip() + between


def _one(value: float | None) -> tuple[float, ...]:
    return () if value is None else (value,)


def _flat(prefix: str, values: Mapping[str, Any]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(f"{prefix}{name}.", value)
        else:
            found[f"{prefix}{name}"] = list(value) if isinstance(value, tuple) else value
    return found


def _plain(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text.replace("|", "\\|").replace("\n", " ") or '""'
