"""Rounds of the same measurement put together: a median with the least and most that any round found."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from campaign.record import Latency, Record, Run, TargetRecord
from measuring.spread import Spread

Figure = Callable[[Run], float | None]
TITLES = {"rest": "REST", "grpc": "gRPC"}
PERCENTILES = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Group:
    """The rounds of one setting."""

    setting: str
    runs: Sequence[Run]

    def values(self, figure: Figure) -> list[float]:
        """Return what each round gives, without those in which it could not be seen."""
        return [value for value in map(figure, self.runs) if value is not None]

    def spread(self, figure: Figure) -> Spread | None:
        """Return the rounds' median, least and most; None where no round could see it."""
        values = self.values(figure)
        return Spread.of(values) if values else None

    def median(self, figure: Figure) -> float | None:
        """Return the rounds' median."""
        found = self.spread(figure)
        return None if found is None else found.median


def by_setting(runs: Iterable[Run]) -> list[Group]:
    """Return the settings in the order of users or of offered rate; others in the order measured."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        found.setdefault(run.setting, []).append(run)
    groups = [Group(setting, rounds) for setting, rounds in found.items()]
    return sorted(groups, key=lambda group: (group.runs[0].users or 0, group.median(offered) or 0))


def at_capacity(target: TargetRecord) -> Group:
    """Return the closed-loop runs with the users that gave the capacity; may hold none."""
    runs = [run for run in target.closed if run.users == target.capacity_users]
    return Group(runs[0].setting if runs else f"{target.capacity_users} users", runs)


def labelled_runs(record: Record) -> list[tuple[str, Run]]:
    """Return every run with its target's name; batch settings belong to none ("")."""
    found = [
        (name, run)
        for name, target in record.targets.items()
        for run in (*target.closed, *target.mixed, *target.open, target.overload.run)
    ]
    return found + [("", run) for run in record.batching]


def title(name: str) -> str:
    """Return a target's name as people write it."""
    return TITLES.get(name, name)


def answered(run: Run) -> float:
    """Return requests answered rightly per second."""
    return run.answered_per_s


def images(run: Run) -> float:
    """Return images answered rightly per second."""
    return run.images_per_s


def offered(run: Run) -> float | None:
    """Return requests per second that were meant to arrive."""
    return run.offered_per_s


def arrived(run: Run) -> float | None:
    """Return requests per second that were to be sent in the window: the offered rate as chance had it."""
    return run.arrived_per_s


def refused(run: Run) -> float:
    """Return requests refused per second."""
    return run.outcomes.get("refused", 0) / run.seconds


def refusal_p99(run: Run) -> float | None:
    """Return how soon refusals came, ms."""
    return None if run.refusal_latency is None else run.refusal_latency.p99


def percentile(name: str) -> Figure:
    """Return the figure that reads p50, p90, p95, p99 or most of the answers, ms."""
    return lambda run: None if run.latency is None else float(getattr(run.latency, name))


def kind_percentile(kind: str, name: str) -> Figure:
    """Return the figure that reads a percentile of one kind of request, ms."""

    def read(run: Run) -> float | None:
        found: Latency | None = run.by_kind.get(kind)
        return None if found is None else float(getattr(found, name))

    return read


def kinds(mixed: Sequence[Run]) -> list[str]:
    """Return the kinds of request of mixed traffic, those without an answer too."""
    sent = (part.partition("=")[0].strip() for run in mixed for part in run.traffic.split(","))
    return list(dict.fromkeys((*(kind for run in mixed for kind in run.by_kind), *filter(None, sent))))


def cores(run: Run) -> float | None:
    """Return the server's CPU seconds per second, worker and Java together."""
    worker, java = run.server.worker_cores, run.server.java_cores
    return None if worker is None else worker + (java or 0)


def cpu_ms_per_image(run: Run) -> float | None:
    """Return the server's CPU time for an image, ms."""
    used = cores(run)
    return None if used is None or not run.images_per_s else 1000 * used / run.images_per_s


def queue_ms(run: Run) -> float | None:
    """Return the wait in TorchServe's queue."""
    return run.server.queue_ms


def mean_batch(run: Run) -> float | None:
    """Return requests per batch."""
    return mean_of(run.server.batch_sizes)


def mean_of(batch_sizes: Mapping[str, int]) -> float | None:
    """Return the mean size of batches counted by size."""
    batches = sum(batch_sizes.values())
    return sum(int(size) * count for size, count in batch_sizes.items()) / batches if batches else None


def pooled_batches(runs: Iterable[Run]) -> dict[int, int]:
    """Return batches of several runs by size, smallest first."""
    found: dict[int, int] = {}
    for run in runs:
        for size, count in run.server.batch_sizes.items():
            found[int(size)] = found.get(int(size), 0) + count
    return dict(sorted(found.items()))
