"""What a campaign found out, as values: what the report, the comparison and a JSON file show."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

FORMAT = 1
KEEPING_PACE = 0.95  # of what arrived: with less a line grows, and no rate is sustained by one
FAILURES = ("refused", "late", "failed", "wrong", "lost")


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
    mean: float


@dataclass(frozen=True, slots=True)
class ServerUse:
    """What the server took during a run. Cores are CPU seconds per second; None is what could not be seen.

    `source`: "processes" for a server on this machine, "prometheus" where only TorchServe's own gauges were at hand.
    """

    source: str
    worker_cores: float | None
    java_cores: float | None
    memory_mib: float | None
    queue_ms: float | None  # wait in TorchServe's queue: see counters.py for what it is over REST and over gRPC
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
    reason: str = ""  # why it was


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement: a number of users in closed loop, or an offered rate in open loop.

    Rates are per second of the window that was measured, warm-up left out, by the time of the answer. `latency` is
    that of right answers, late ones and the errors that bad files must get; `refusal_latency` that of what the full
    queue refused. Both, and `outcomes`, are of requests that began in the window (in open loop: were to begin). In
    closed loop failures count from the load's first request to its last.
    """

    stage: str  # closed, mixed, batching, open, knee, overload
    setting: str  # what is varied: "16 users", "80 %", "batchSize 8"
    round: int
    traffic: str  # as --traffic takes it
    users: int | None
    offered_per_s: float | None  # that the load was drawn for
    arrived_per_s: float | None  # that it came to: chance makes it differ; None in closed loop
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
        """How many requests were refused, late, failed, wrong or lost. What was never sent is no failure of the
        server's.
        """
        return sum(self.outcomes.get(name, 0) for name in FAILURES)

    @property
    def unsent(self) -> int:
        """How many requests the generator never came to send."""
        return self.outcomes.get("unsent", 0)

    @property
    def is_generators(self) -> bool:
        """Whether what went wrong may be the generator's doing: it was starved, or left requests unsent."""
        return self.generator.starved or self.unsent > 0


@dataclass(frozen=True, slots=True)
class Moment:
    """One slice of the overload's course; `second` is its start, counted from the schedule's."""

    second: float
    offered_per_s: float  # this and the next two by intended time
    refused_per_s: float
    p99_ms: float | None
    right_per_s: float  # by the time of the answer


@dataclass(frozen=True, slots=True)
class Overload:
    """What happens past capacity, and after: before, over capacity, and after it, in one run."""

    profile: Sequence[tuple[float, float]]  # (requests per second, seconds)
    capacity_per_s: float  # that the profile is a share of: the best rate seen in any loop
    run: Run  # of the part over capacity
    timeline: Sequence[Moment]
    baseline_p99_ms: float | None  # of the part before; None: nothing was answered in it
    recovered_seconds: float | None  # after the load's end; None: not within what was watched
    watched_seconds: float
    unanswered: int  # requests that never came to an end, this and the next two of all parts
    failed: int  # that TorchServe answered with an error of its own: a worker died, the handler raised
    unsent: int  # that the generator never came to send
    workers_restarted: int
    workers_after: int | None  # ready at the end; None: the server didn't tell any more


@dataclass(frozen=True, slots=True)
class Trial:
    """What an offered rate came to. `p99_ms` is None when nothing was answered; `is_generators` as in Run."""

    rate_per_s: float
    arrived_per_s: float
    answered_per_s: float
    p99_ms: float | None
    failures: int
    is_generators: bool = False

    def keeps(self, objective_ms: float) -> bool:
        """Whether it kept the objective: p99 within it, no failure, and no line that grew meanwhile."""
        keeps_pace = self.answered_per_s >= KEEPING_PACE * self.arrived_per_s
        return keeps_pace and self.failures == 0 and self.p99_ms is not None and self.p99_ms <= objective_ms


@dataclass(frozen=True, slots=True)
class Knee:
    """The highest offered rate that kept the objective in every round; None when none did. `p99_ms` is the worst of its
    rounds.
    """

    objective_ms: float
    rate_per_s: float | None
    p99_ms: float | None
    tried: Sequence[Trial]  # in the order tried


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
    lone_p50_ms: float  # of a request with nothing else going on, over REST
    lone_p99_ms: float
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
    return TargetRecord(**{**values, **runs, "knee": _knee(values["knee"]), "overload": _overload(values["overload"])})


def _knee(values: Mapping[str, Any]) -> Knee:
    return Knee(**{**values, "tried": [Trial(**one) for one in values["tried"]]})


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
