"""What the report's tables hold: a record's figures as words, row by row."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campaign import findings, groups
from campaign.groups import Figure, Group
from campaign.record import Record, Run, TargetRecord, Trial
from measuring.tables import number

NOTHING = "·"  # what could not be seen
USE_HEAD = (
    *("load", "worker CPU, cores", "Java CPU, cores", "CPU per image, ms", "memory, MiB"),
    *("queue, ms", "requests per batch", "answers from cache"),
)
RUN_HEAD = (
    *("run", "round", "requests/s", "images/s", "p50", "p95", "p99", "most", "answers", "failures"),
    *("server CPU, cores", "memory, MiB", "queue, ms", "generator CPU, %", "woke late p99, ms", "sent late p99, ms"),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its title; the first column names the row, the others hold numbers."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_words: bool = False  # its cells are sentences, not numbers


def loads(name: str, target: TargetRecord) -> Table:
    """Return medians and least to most by users and by offered rate."""
    rows = []
    for runs, suffix in ((target.closed, ""), (target.open, " of capacity")):
        for group in groups.by_setting(runs):
            latencies = (_ms(group.median(groups.percentile(one))) for one in groups.PERCENTILES)
            meant = group.median(groups.offered)
            failures = sum(run.failures for run in group.runs)
            rates = ("", "") if meant is None else (number(meant), _number(group.median(groups.arrived)))
            rows.append((group.setting + suffix, *rates, _range(group, groups.answered), *latencies, f"{failures:,}"))
    head = ("load", "offered/s", "arrived/s", "answered/s (least to most)", "p50, ms", "p95, ms", "p99, ms", "failures")
    return Table(f"{groups.title(name)} by load", head, rows)


def tried(name: str, target: TargetRecord) -> Table:
    """Return the rates tried in search of the knee, lowest first."""
    knee = target.knee
    rows = [
        (
            number(one.rate_per_s),
            f"{number(one.answered_per_s)} of {number(one.arrived_per_s)}",
            _ms(one.p99_ms),
            f"{one.failures:,}",
            _held(one, knee.objective_ms),
        )
        for one in sorted(knee.tried, key=lambda one: one.rate_per_s)
    ]
    title = f"{groups.title(name)}: rates tried in search of the knee"
    head = ("offered/s", "answered of arrived/s", "p99, ms", "failures", f"objective {findings.ms(knee.objective_ms)}")
    return Table(title, head, rows)


def kinds(targets: Mapping[str, TargetRecord]) -> Table | None:
    """Return counts and percentiles by kind of request; None without mixed traffic."""
    rows = []
    for name, target in targets.items():
        group = Group("", target.mixed)
        for kind in groups.kinds(target.mixed):
            count = sum(run.by_kind[kind].count for run in target.mixed if kind in run.by_kind)
            latencies = (_ms(group.median(groups.kind_percentile(kind, one))) for one in groups.PERCENTILES)
            rows.append((f"{groups.title(name)} {kind}", f"{count:,}", *latencies))
    return Table("By kind of request", ("kind", "answers", "p50, ms", "p95, ms", "p99, ms"), rows) if rows else None


def errors(record: Record) -> Table | None:
    """Return how often each code came in each stage, targets side by side; None when none came."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    requests: dict[tuple[str, str], int] = {}
    for name, run in groups.labelled_runs(record):
        requests[name, run.stage] = requests.get((name, run.stage), 0) + sum(run.outcomes.values())
        for code, count in run.errors.items():
            found = counts.setdefault((code, run.stage), {})
            found[name] = found.get(name, 0) + count
    names = [name for name in (*record.targets, "") if any(name in found for found in counts.values())]
    rows = []
    for (code, stage), found in sorted(counts.items(), key=lambda pair: (-sum(pair[1].values()), pair[0])):
        cells = (
            f"{found[name]:,} ({_share(found[name], requests[name, stage])})" if name in found else NOTHING
            for name in names
        )
        rows.append((f"{code}, {stage}", *cells))
    head = ("code and stage", *(groups.title(name) or "batch settings" for name in names))
    return Table("Errors by code, and their share of the stage's requests", head, rows) if rows else None


def server_use(name: str, target: TargetRecord) -> Table | None:
    """Return what the server took, a row per setting; None where nothing could be seen."""
    use: tuple[Figure, ...] = (
        lambda run: run.server.worker_cores,
        lambda run: run.server.java_cores,
        groups.cpu_ms_per_image,
        lambda run: run.server.memory_mib,
        lambda run: run.server.queue_ms,
        groups.mean_batch,
    )
    rows = []
    over = target.overload.run
    for runs, suffix in ((target.closed, ""), (target.mixed, ", mixed"), (target.open, " of capacity"), ([over], "")):
        for group in groups.by_setting(runs):
            hits = sum(run.server.cache_hits for run in group.runs)
            cached = _share(hits, hits + sum(run.server.cache_misses for run in group.runs))
            label = "overload, over capacity" if runs == [over] else group.setting + suffix
            rows.append((label, *(_number(group.median(figure)) for figure in use), cached))
    is_seen = any(set(row[1:]) != {NOTHING} for row in rows)
    return Table(f"{groups.title(name)}: what the server took", USE_HEAD, rows) if is_seen else None


def generator(record: Record) -> Table:
    """Return the load generator's worst figures, a row per target and stage."""
    stages: dict[tuple[str, str], list[Run]] = {}
    for name, run in groups.labelled_runs(record):
        stages.setdefault((groups.title(name), run.stage), []).append(run)
    rows = [
        (
            f"{target} {stage}".strip(),
            f"{max(run.generator.processes for run in runs)}",
            f"{100 * max(run.generator.cpu_share for run in runs):.0f} %",
            _number(max(run.generator.wake_lag_p99_ms for run in runs)),
            _number(max(run.generator.sent_late_p99_ms for run in runs)),
            f"{sum(run.unsent for run in runs):,}",
            f"{starved} of {len(runs)} runs" if (starved := sum(run.generator.starved for run in runs)) else "no",
        )
        for (target, stage), runs in stages.items()
    ]
    head = (
        "stage",
        "processes",
        "CPU of a core, most",
        "woke late, p99 ms",
        "sent late, p99 ms",
        "never sent",
        "starved",
    )
    return Table("Load generator, the worst of each stage", head, rows)


def batching(record: Record) -> Table | None:
    """Return throughput and latency by batch setting; None where none was tried."""
    if not record.batching:
        return None
    rows = []
    for group in groups.by_setting(record.batching):
        latencies = (_ms(group.median(groups.percentile(name))) for name in groups.PERCENTILES)
        rows.append((group.setting, _range(group, groups.images), *latencies, _number(group.median(groups.mean_batch))))
    head = ("setting", "images/s (least to most)", "p50, ms", "p95, ms", "p99, ms", "requests a batch")
    return Table("By batch setting", head, rows)


def runs(record: Record) -> Table:
    """Return every run with its figures."""
    return Table("Every run", RUN_HEAD, [_run_row(name, run) for name, run in groups.labelled_runs(record)])


def circumstances(record: Record) -> list[Table]:
    """Return machine, versions, service, pictures and what was asked for, as names and values."""
    machine = {name: value for name, value in record.machine.items() if name != "versions"}
    asked: dict[str, object] = {
        "command": record.command,
        "profile": record.profile,
        "rounds": record.rounds,
        "started": record.started_utc,
        "server": "started by the load test" if record.own_server else "was running already",
    }
    for name, target in record.targets.items():
        found = groups.at_capacity(target).runs
        if found:
            asked[f"{groups.title(name)} traffic"] = found[0].traffic
        if target.mixed:
            asked[f"{groups.title(name)} mixed traffic"] = target.mixed[0].traffic.replace(",", ", ")
    asked["a lone request"] = f"p50 {findings.ms(record.lone_p50_ms)}, p99 {findings.ms(record.lone_p99_ms)}"
    parts = (
        ("Measurement", asked),
        ("Machine", machine),
        ("Versions", record.machine.get("versions", {})),
        ("Pictures", record.pictures),
    )
    return [Table(title, ("", ""), _pairs("", values), is_words=True) for title, values in parts if values]


def service(record: Record) -> Table | None:
    """Return what the service says of itself, as names and values; None where it said nothing."""
    return Table("Service", ("", ""), _pairs("", record.service), is_words=True) if record.service else None


def _run_row(name: str, run: Run) -> tuple[str, ...]:
    ends = (groups.percentile(one)(run) for one in (*groups.PERCENTILES, "most"))
    sent, made = run.generator.sent_late_p99_ms, run.generator
    return (
        " ".join(part for part in (groups.title(name), run.stage, run.setting) if part),
        *(str(run.round), number(run.answered_per_s), number(run.images_per_s), *map(_ms, ends)),
        *(f"{sum(run.outcomes.values()):,}", f"{run.failures:,}"),
        *map(_number, (groups.cores(run), run.server.memory_mib, run.server.queue_ms)),
        *(f"{100 * made.cpu_share:.0f}", _number(made.wake_lag_p99_ms), _number(sent if run.offered_per_s else None)),
    )


def _pairs(prefix: str, values: Mapping[str, object]) -> list[tuple[str, str]]:
    found = []
    for name, value in values.items():
        label = f"{prefix}{name}".replace("_", " ")
        if isinstance(value, Mapping):
            found += _pairs(f"{prefix}{name} ", value)
        elif isinstance(value, (list, tuple)):
            plain = all(isinstance(one, (str, int, float)) for one in value)
            found.append((label, ", ".join(map(_plain, value)) if plain else json.dumps(value)))
        else:
            found.append((label, _plain(value)))
    return found


def _plain(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _held(one: Trial, objective_ms: float) -> str:
    if one.keeps(objective_ms):
        return "held"
    if one.is_generators:
        return "not counted: the generator was starved"
    return "missed" if one.failures or one.p99_ms is None or one.p99_ms > objective_ms else "missed: a line grew"


def _range(group: Group, figure: Figure) -> str:
    spread = group.spread(figure)
    if spread is None:
        return NOTHING
    between = f" ({findings.between(spread)})" if len(group.runs) > 1 else ""
    return number(spread.median) + between


def _number(value: float | None) -> str:
    return NOTHING if value is None else number(value)


def _ms(value: float | None) -> str:
    return NOTHING if value is None else findings.digits(value)


def _share(count: int, whole: int) -> str:
    return NOTHING if not whole else f"{100 * count / whole:.1f} %"
