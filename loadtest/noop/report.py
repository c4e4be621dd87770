"""What the generator's own measurement says, as Markdown."""

from collections.abc import Mapping
from typing import Any

from measuring.spread import Spread
from measuring.tables import number, table

MUST_REACH_PER_S = 1_000
CHECKED, PLAIN, BARE, PROCESSES = "locust", "locust, no checks", "bare generator", "locust, processes"
GRPC = "locust, gRPC"
WHAT = {
    CHECKED: "Locust, one process, every answer checked",
    PLAIN: "Locust, one process, nothing but the status looked at",
    BARE: "threads and sockets of `loadtest/bench.py`, every answer checked",
    PROCESSES: "Locust, a master and two workers, every answer checked",
    GRPC: "Locust over gRPC, one process, every answer checked",
}
GROUPS = ("generator", "java", "worker")
NOISE_SHARE = 0.1  # of a core; more than that, and something else was being measured as well

Record = Mapping[str, Any]


def markdown(record: Record) -> str:
    """Return the whole report."""
    names = list(record["rounds"][0])
    return "\n".join(
        [
            "# What the load generator itself can do\n",
            *_session(record),
            "\n## Must reach\n",
            *table(("figure", "must be", "median", "least to most", ""), [_goal_row(record)]),
            "\n## Requests per second\n",
            *table(("", "median", "least to most", "of the first"), [_rate_row(record, one) for one in names]),
            "\n## CPU per request, ms\n",
            *table(
                ("", "generator", "Java", "worker", "a core makes at most, requests/s"),
                (_cpu_row(record, name) for name in names),
            ),
            "\nGenerator, Java and worker share the cores; the last column says what the generator alone could do.",
            *_doubts(record),
            "",
        ]
    )


def rates(record: Record, name: str) -> Spread:
    """Return the requests/s of one generator over all rounds."""
    return Spread.of(one[name]["requests_per_s"] for one in record["rounds"])


def cpu_ms(record: Record, name: str, group: str) -> Spread:
    """Return the CPU ms per request of one group of processes under one generator."""
    return Spread.of(one[name]["cpu_ms"][group] for one in record["rounds"])


def _session(record: Record) -> list[str]:
    machine = record["machine"]
    answered = sum(one[name]["answered"] for one in record["rounds"] for name in one)
    return [
        f"{record['started_utc']}, `{record['command']}`\n",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}; "
        f"python {machine['versions']['python']}, locust {record['locust']}, "
        f"torchserve {machine['versions']['torchserve']}.\n",
        f"A TorchServe whose handler infers nothing; {record['users']} users, {record['pictures']} JPEGs of "
        f"{record['mean_picture_kb']:.0f} kB on average; {len(record['rounds'])} alternating rounds, "
        f"{record['seconds']:g} s for each measurement, {answered:,} answers.",
    ]


def _goal_row(record: Record) -> tuple[str, ...]:
    checked = rates(record, CHECKED)
    met = "met" if checked.median >= MUST_REACH_PER_S else "**not met**"
    return (WHAT[CHECKED], f"≥ {MUST_REACH_PER_S:,}/s", f"{number(checked.median)}/s", _range(checked), met)


def _rate_row(record: Record, name: str) -> tuple[str, ...]:
    spread = rates(record, name)
    ratio = Spread.of(one[name]["requests_per_s"] / one[CHECKED]["requests_per_s"] for one in record["rounds"])
    of_first = "" if name == CHECKED else f"{number(ratio.median)} ({_range(ratio)})"
    return (WHAT[name], number(spread.median), _range(spread), of_first)


def _cpu_row(record: Record, name: str) -> tuple[str, ...]:
    spreads = [cpu_ms(record, name, group) for group in GROUPS]
    cells = [f"{one.median:.3f} ({one.least:.3f} to {one.most:.3f})" for one in spreads]
    return (WHAT[name], *cells, f"{1000 / spreads[0].median:,.0f}")


def _range(spread: Spread) -> str:
    return f"{number(spread.least)} to {number(spread.most)}"


def _doubts(record: Record) -> list[str]:
    worst = max(one[name]["strangers_share"] for one in record["rounds"] for name in one)
    if worst <= NOISE_SHARE:
        return []
    return [f"\nDoubtful: other programs used up to {100 * worst:.0f} % of a core meanwhile."]
