"""A campaign as CSV, a row per run and a row per moment, and as a short Markdown summary."""

import csv
import io
from collections.abc import Iterable, Sequence

from campaign import doubts, findings, groups
from campaign.record import Latency, Record, Run, TargetRecord
from measuring.tables import number, table

OUTCOMES = ("right", "expected_error", "refused", "late", "failed", "wrong", "lost", "unsent")
LATENCIES = ("p50", "p90", "p95", "p99", "most")
RUN_COLUMNS = (
    *("target", "stage", "setting", "round", "traffic", "users", "offered_per_s", "arrived_per_s", "seconds"),
    *("answered_per_s", "images_per_s", "latency_count"),
    *(f"latency_{name}_ms" for name in LATENCIES),
    *("refusal_p50_ms", "refusal_p99_ms"),
    *OUTCOMES,
    *("errors", "server_source", "worker_cores", "java_cores", "memory_mib", "queue_ms", "mean_batch"),
    *("cache_hits", "cache_misses", "generator_processes", "generator_cpu_share"),
    *("wake_lag_p99_ms", "sent_late_p99_ms", "starved"),
)
MOMENT_COLUMNS = ("target", "second", "offered_per_s", "right_per_s", "refused_per_s", "p99_ms")
MARKS = {
    findings.Level.GOOD: "ok",
    findings.Level.DOUBTFUL: "doubtful",
    findings.Level.BAD: "**bad**",
    findings.Level.UNKNOWN: "unknown",
}


def runs_csv(record: Record) -> str:
    """Return a row per run. An empty cell is what could not be seen; errors are written "code=count code=count"."""
    return _csv(RUN_COLUMNS, (_run_cells(name, run) for name, run in groups.labelled_runs(record)))


def timeline_csv(record: Record) -> str:
    """Return the overload's course, a row per moment and target."""
    rows = (
        (name, moment.second, moment.offered_per_s, moment.right_per_s, moment.refused_per_s, moment.p99_ms)
        for name, target in record.targets.items()
        for moment in target.overload.timeline
    )
    return _csv(MOMENT_COLUMNS, rows)


def summary(record: Record) -> str:
    """Return what a terminal shows at the end, as Markdown: answers, the overload, two tables, doubts."""
    lines = [f"# Load test, {record.started_utc}\n", f"`{record.command}`, rounds: {record.rounds}"]
    for name, target in record.targets.items():
        lines += [
            f"\n## {groups.title(name)}\n",
            f"- {findings.capacity(target)}",
            f"- {findings.at_what_latency(target)}",
            f"- {findings.past_that(target)}\n",
            *table(("past capacity", "", "found"), _verdict_rows(target)),
            "",
            *table(
                ("load", "requests/s", "least to most", *(f"{one} ms" for one in groups.PERCENTILES)),
                _load_rows(target),
            ),
        ]
    doubted = doubts.of_record(record)
    lines += ["\n## Doubtful\n", *(f"- {doubt}" for doubt in doubted)] if doubted else ["\nNothing doubtful was seen."]
    lines += ["\n## Notes\n", *(f"- {note}" for note in record.notes)] if record.notes else []
    return "\n".join([*lines, ""])


def _run_cells(name: str, run: Run) -> Iterable[object]:
    server, generator = run.server, run.generator
    latency, refusal = run.latency, run.refusal_latency
    return (
        *(name, run.stage, run.setting, run.round, run.traffic),
        *(run.users, run.offered_per_s, run.arrived_per_s, run.seconds),
        *(run.answered_per_s, run.images_per_s, 0 if latency is None else latency.count),
        *_latency_cells(latency, LATENCIES),
        *_latency_cells(refusal, ("p50", "p99")),
        *(run.outcomes.get(outcome, 0) for outcome in OUTCOMES),
        " ".join(f"{code}={count}" for code, count in sorted(run.errors.items())),
        *(server.source, server.worker_cores, server.java_cores, server.memory_mib, server.queue_ms),
        *(groups.mean_batch(run), server.cache_hits, server.cache_misses),
        *(generator.processes, generator.cpu_share, generator.wake_lag_p99_ms, generator.sent_late_p99_ms),
        "yes" if generator.starved else "no",
    )


def _latency_cells(latency: Latency | None, names: Sequence[str]) -> list[float | None]:
    return [None if latency is None else getattr(latency, name) for name in names]


def _verdict_rows(target: TargetRecord) -> Iterable[tuple[str, ...]]:
    for verdict in findings.overload_verdicts(target):
        yield verdict.question, MARKS[verdict.level], verdict.answer


def _load_rows(target: TargetRecord) -> Iterable[tuple[str, ...]]:
    for runs, suffix in ((target.closed, ""), (target.open, " of capacity, open loop")):
        for group in groups.by_setting(runs):
            spread = group.spread(groups.answered)
            assert spread is not None  # every run has a rate
            latencies = (group.median(groups.percentile(one)) for one in groups.PERCENTILES)
            shown = ("" if value is None else findings.digits(value) for value in latencies)
            yield (
                f"{group.setting}{suffix}",
                number(spread.median),
                findings.between(spread) if len(group.runs) > 1 else "",
                *shown,
            )


def _csv(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else value
