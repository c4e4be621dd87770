"""What a campaign found out, as values: what the report, the comparison and a JSON file show."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Latency:
    """Exact percentiles of raw samples, ms: each is a value that was measured. Open-loop ones count from the
    intended time of arrival.
    """

    count: int
    p50: float
    p90: float
    p95: float
    p99: float
    most: float


@dataclass(frozen=True, slots=True)
class ServerUse:
    """What the server took during a run. Cores are CPU seconds per second; None is what could not be seen.

    `source`: "processes" for a server on this machine, "prometheus" where only TorchServe's own gauges were at hand.
    """

    source: str
    worker_cores: float | None
    java_cores: float | None
    memory_mib: float | None
    queue_ms: float | None  # mean wait of a request in TorchServe's queue
    batch_sizes: Mapping[str, int]  # batches by their number of requests
    cache_hits: int
    cache_misses: int


@dataclass(frozen=True, slots=True)
class GeneratorUse:
    """Whether the load was what it says: CPU of one core, how late its event loop woke, how late it sent."""

    processes: int
    cpu_share: float  # of the busiest process, of one core
    wake_lag_p99_ms: float
    sent_late_p99_ms: float  # after the intended time; 0 in closed loop
    starved: bool


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: a number of users in closed loop, or an offered rate in open loop.

    Rates are per second of the window that was measured, warm-up left out. `latency` is that of requests that were
    answered rightly, `refusal_latency` that of those the full queue refused.
    """

    stage: str  # closed, mixed, batching, open, knee, overload
    setting: str  # what is varied: "16 users", "80 %", "batchSize 8"
    round: int
    traffic: str  # as --traffic takes it
    users: int | None
    offered_per_s: float | None
    seconds: float
    answered_per_s: float
    images_per_s: float
    latency: Latency | None
    refusal_latency: Latency | None
    outcomes: Mapping[str, int]
    errors: Mapping[str, int]  # by our stable code, or else by status
    by_kind: Mapping[str, Latency]
    server: ServerUse
    generator: GeneratorUse

    @property
    def failures(self) -> int:
        """How many requests were refused, late, wrong or lost."""
        return sum(self.outcomes.get(name, 0) for name in ("refused", "late", "wrong", "lost"))


@dataclass(frozen=True, slots=True)
class Moment:
    """One slice of the overload's course; `second` is its start. Rates are by intended arrival."""

    second: float
    offered_per_s: float
    right_per_s: float
    refused_per_s: float
    p99_ms: float | None


@dataclass(frozen=True, slots=True)
class Overload:
    """What happens past capacity, and after: before, over capacity, and after it, in one run."""

    profile: Sequence[tuple[float, float]]  # (requests per second, seconds)
    run: Run  # of the part over capacity
    timeline: Sequence[Moment]
    baseline_p99_ms: float  # of the part before
    recovered_seconds: float | None  # after the load's end; None: not within what was watched
    watched_seconds: float
    unanswered: int  # requests that never came to an end
    workers_restarted: int


@dataclass(frozen=True, slots=True)
class Knee:
    """The highest offered rate that was answered without an error, its p99 within the objective; None when none was."""

    objective_ms: float
    rate_per_s: float | None
    p99_ms: float | None
    tried: Sequence[tuple[float, float | None, int]]  # (rate, p99 ms, failures), in the order tried


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """All of one transport."""

    capacity_per_s: float  # the highest median over the closed-loop concurrencies
    capacity_users: int
    closed: Sequence[Run]
    mixed: Sequence[Run]
    open: Sequence[Run]
    knee: Knee
    overload: Overload


@dataclass(frozen=True, slots=True)
class Record:
    """The whole campaign. `batching` is empty where the server was not ours to restart; `notes` say such things."""

    started_utc: str
    command: str
    profile: str  # quick, default, full
    rounds: int
    machine: Mapping[str, Any]
    service: Mapping[str, Any]  # what the model's description says, and model-config.yaml where it is known
    pictures: Mapping[str, Any]  # seed, count, formats, sizes, mean kB
    own_server: bool
    targets: Mapping[str, TargetRecord]  # by "rest", "grpc"
    batching: Sequence[Run]
    notes: Sequence[str]
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return plain values for json.dumps."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what to_json wrote. Raises ValueError for another format."""
        if values.get("format") != FORMAT:
            raise ValueError(f"a report of format {values.get('format')!r}; this reads format {FORMAT}")
        targets = {name: _target(one) for name, one in values["targets"].items()}
        return cls(**{**values, "targets": targets, "batching": [_run(one) for one in values["batching"]]})


def _target(values: Mapping[str, Any]) -> TargetRecord:
    runs = {name: [_run(one) for one in values[name]] for name in ("closed", "mixed", "open")}
    return TargetRecord(**{**values, **runs, "knee": Knee(**values["knee"]), "overload": _overload(values["overload"])})


def _overload(values: Mapping[str, Any]) -> Overload:
    timeline = [Moment(**one) for one in values["timeline"]]
    return Overload(**{**values, "run": _run(values["run"]), "timeline": timeline})


def _run(values: Mapping[str, Any]) -> Run:
    names = {field.name for field in fields(Run)}
    latencies = {name: _latency(values[name]) for name in ("latency", "refusal_latency")}
    by_kind = {kind: Latency(**one) for kind, one in values["by_kind"].items()}
    parts = {"server": ServerUse(**values["server"]), "generator": GeneratorUse(**values["generator"])}
    return Run(**{**{name: values[name] for name in names}, **latencies, **parts, "by_kind": by_kind})


def _latency(values: Mapping[str, Any] | None) -> Latency | None:
    return None if values is None else Latency(**values)
