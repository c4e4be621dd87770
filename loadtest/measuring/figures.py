"""From a session's record to the figures that are published, each with its values by round and its target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from measuring.spread import Spread, percentile

VIT_B16_GFLOP = 35.0  # multiplications and additions of one 224x224 image
STOCK, OURS = "stock", "ours"
MERGED_TOKENS = 13  # a layer, from which on the higher target holds
CPU_GROUPS = {"worker": "the worker", "java": "Java", "generator": "the load generator"}
MOMENTS = {"idle": "ready, nothing asked yet", "served": "after the load"}
MEMORIES = {"rss": "RSS", "pss": "PSS", "peak_rss": "peak RSS"}
STARVED_SHARE, STRANGERS_SHARE, IDLE_SHARE = 0.8, 0.2, 0.05  # of a core, from where on figures are doubtful
PERCENTILES = (50, 95, 99)

Record = Mapping[str, Any]
"""What bench.json holds."""


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that must hold for the median, and where one is set the aim beyond it."""

    bound: float
    aim: float | None = None
    at_most: bool = False

    def is_met(self, value: float) -> bool:
        """Whether a median is good enough."""
        return value <= self.bound if self.at_most else value >= self.bound

    def __str__(self) -> str:
        aim = f" (aim {self.aim:g})" if self.aim is not None else ""
        return f"{'≤' if self.at_most else '≥'} {self.bound:g}{aim}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: values by round (or by start), their unit, and a target where there is one."""

    name: str
    unit: str
    values: Sequence[float]
    target: Target | None = None

    @property
    def spread(self) -> Spread:
        """Median, least and most."""
        return Spread.of(self.values)

    @property
    def is_met(self) -> bool | None:
        """Whether the median reaches the target; None without a target."""
        return None if self.target is None else self.target.is_met(self.spread.median)


def goals(record: Record) -> list[Figure]:
    """Return the figures that have a target."""
    found: list[Figure] = []
    for name in own_names(record):
        bound = speed_target(record["contenders"][name])
        found += [
            Figure(f"{'our' if name == OURS else name} server / stock server, {users} users", "x", ratios, bound)
            for users in users_of(record)
            for ratios in [quotients(served(record, name, users), served(record, STOCK, users))]
        ]
    rounds, pipeline = record["rounds"], piped(record, OURS)
    found += [
        Figure(f"server / pipeline in-process, {users} users", "x", values, Target(0.93, 0.97))
        for users in users_of(record)
        for values in [quotients(served(record, OURS, users), pipeline)]
    ]
    engine = [one[OURS]["engine"] for one in rounds]
    found.append(Figure("pipeline in-process / raw engine", "x", quotients(pipeline, engine), Target(0.85, 0.93)))
    if record["is_vit_b16"]:
        best = [one["peaks_gflops"]["int8"] / VIT_B16_GFLOP for one in rounds]
        found.append(Figure("raw engine / int8 matrix peak", "x", quotients(engine, best), Target(0.8)))
    found.append(
        Figure("one user: p50 minus (decode + forward)", "ms", lone_overhead(record, OURS), Target(10, None, True))
    )
    memories = record["memory"]
    found += [
        Figure(
            f"worker memory after the load / stock's, {what}",
            "x",
            [memories[OURS]["served"][kind] / memories[STOCK]["served"][kind]],
            Target(0.85, 0.6, at_most=True),
        )
        for what, kind in (("RSS", "rss"), ("PSS", "pss"))
    ]
    found.append(Figure("start to READY", "s", record["ready_seconds"][OURS], Target(15, None, True)))
    again = [one[OURS]["reuploads"]["images_per_s"] for one in rounds]
    found.append(Figure("re-uploads of one picture, 16 users", "images/s", again, Target(500)))
    return found


def throughputs(record: Record) -> list[Figure]:
    """Return images per second of everything that was measured, engines first."""
    found = []
    for name in own_names(record):
        batch = record["rounds"][0][name]["batch"]
        engine = [one[name]["engine"] for one in record["rounds"]]
        found.append(Figure(f"{name}: raw engine, batch {batch}", "images/s", engine))
        found.append(Figure(f"{name}: pipeline in-process, batch {batch}", "images/s", piped(record, name)))
        found += [
            Figure(f"{name}: server, {users} users", "images/s", served(record, name, users))
            for users in users_of(record)
        ]
    return found + [
        Figure(f"{STOCK}: server, {users} users", "images/s", served(record, STOCK, users))
        for users in users_of(record)
    ]


def speed_target(description: Mapping[str, Any]) -> Target | None:
    """Return how many times the stock handler's images per second an archive must reach, by what runs in it."""
    merged = description["merge_tokens"]
    if description["precision"] != "int8" or 0 < merged < MERGED_TOKENS:
        return None
    return Target(5.5, 7) if merged else Target(4, 5)


def mean_batches(record: Record) -> list[Figure]:
    """Return how many images a batch of our servers held on average, where they counted any."""
    found = []
    for name in own_names(record):
        for users in users_of(record):
            means = [one[name]["load"][users]["mean_batch"] for one in record["rounds"]]
            if values := [mean for mean in means if mean is not None]:
                found.append(Figure(f"{name}: mean batch, {users} users", "images", values))
    return found


def latency_figures(record: Record) -> list[Figure]:
    """Return each round's own percentiles."""
    return [
        Figure(f"{name}: p{percent}, {_users(users)}", "ms", [percentile(one, percent) for one in rounds])
        for name in record["contenders"]
        for users in asked_of(record, name)
        for rounds in [latencies_by_round(record, name, users)]
        for percent in PERCENTILES
    ]


def cpu_figures(record: Record) -> list[Figure]:
    """Return CPU time per image, round by round."""
    return [
        Figure(
            f"{name}: CPU time of {whose} per image, {users} users",
            "ms",
            [1000 * seconds for seconds in cpu_seconds(record, name, users, group)],
        )
        for name in record["contenders"]
        for users in users_of(record)
        for group, whose in CPU_GROUPS.items()
    ]


def memory_figures(record: Record) -> list[Figure]:
    """Return what the workers held, once before the first request and once after the last."""
    return [
        Figure(f"{name}: {MEMORIES[kind]} of the worker, {MOMENTS[moment]}", "MiB", [held[kind]])
        for name, moments in record["memory"].items()
        for moment, held in moments.items()
        for kind in MEMORIES
    ]


def latencies(record: Record, name: str, users: str) -> dict[int, float]:
    """Return percentiles in ms over all rounds together; one user is asked for as "1"."""
    pooled = pooled_latencies(record, name, users)
    return {percent: percentile(pooled, percent) for percent in PERCENTILES}


def pooled_latencies(record: Record, name: str, users: str) -> list[float]:
    """Return every latency in ms of all rounds; one user is asked for as "1"."""
    return [ms for one in latencies_by_round(record, name, users) for ms in one]


def latencies_by_round(record: Record, name: str, users: str) -> list[list[float]]:
    """Return every latency in ms of each round; one user is asked for as "1"."""
    rounds = [one[name] for one in record["rounds"]]
    return [one["lone"]["server"] if users == "1" else one["load"][users]["latencies_ms"] for one in rounds]


def cpu_seconds(record: Record, name: str, users: str, group: str) -> list[float]:
    """Return the CPU seconds per image of worker, java or generator by round."""
    return [one[name]["load"][users]["cpu_seconds_per_image"][group] for one in record["rounds"]]


def lone_overhead(record: Record, name: str) -> list[float]:
    """Return for each round the p50 of one user at the server minus that of decode and forward pass, in ms."""
    lone = [one[name]["lone"] for one in record["rounds"]]
    return [
        median(one["server"]) - median(d + f for d, f in zip(one["decode"], one["forward"], strict=True))
        for one in lone
    ]


def warnings(record: Record) -> list[str]:
    """Return what makes figures doubtful: a starved generator, other programs, servers that did not rest."""
    found = []
    for number, one in enumerate(record["rounds"], start=1):
        if one["strangers_share"] > STRANGERS_SHARE:
            found.append(f"round {number}, without servers: other programs used {one['strangers_share']:.0%} of a core")
        for name in [*own_names(record), STOCK]:
            loads = {f"{users} users": load for users, load in one[name]["load"].items()}
            if "reuploads" in one[name]:
                loads["re-uploads"] = one[name]["reuploads"]
            for what, load in loads.items():
                where = f"round {number}, {name}, {what}"
                if load["generator_share"] > STARVED_SHARE:
                    found.append(f"{where}: the generator used {load['generator_share']:.0%} of a core")
                if load["strangers_share"] > STRANGERS_SHARE:
                    found.append(f"{where}: other programs used {load['strangers_share']:.0%} of a core")
                idle = load["cpu_seconds_per_image"].get("others", 0) * load["answered"] / load["wall_seconds"]
                if idle > IDLE_SHARE:
                    found.append(f"{where}: servers at rest used {idle:.0%} of a core")
    return found


def own_names(record: Record) -> list[str]:
    """Return the names of our archives, the main one first."""
    return [name for name, one in record["contenders"].items() if one["kind"] == "ours"]


def users_of(record: Record) -> list[str]:
    """Return the concurrencies that were measured."""
    return list(record["rounds"][0][STOCK]["load"])


def asked_of(record: Record, name: str) -> list[str]:
    """Return the concurrencies of one contender: ours were asked by a single user too."""
    return users_of(record) if name == STOCK else ["1", *users_of(record)]


def served(record: Record, name: str, users: str) -> list[float]:
    """Return a server's images per second by round."""
    return [one[name]["load"][users]["images_per_s"] for one in record["rounds"]]


def piped(record: Record, name: str) -> list[float]:
    """Return the pipeline's images per second by round."""
    return [one[name]["pipeline"] for one in record["rounds"]]


def quotients(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Return the ratio of each round: a drift of the machine within a session cancels."""
    return [one / other for one, other in zip(numerators, denominators, strict=True)]


def _users(count: str) -> str:
    return f"{count} user{'s' * (count != '1')}"
