"""A campaign's record as a server with two cores would leave it: curves that saturate, rounds that differ a little."""

import random
from collections.abc import Mapping
from dataclasses import replace
from statistics import median
from typing import Any

from campaign.record import GeneratorUse, Knee, Latency, Moment, Overload, Record, Run, ServerUse, TargetRecord, Trial

USERS = (1, 2, 4, 8, 16, 32, 64)
SHARES = (50, 80, 100, 150)
CAPACITIES = {"rest": 40.0, "grpc": 37.0}
OBJECTIVE_MS = 2000.0
SECONDS = 10.0
KINDS = {"single": 1.0, "batch4": 2.6, "batch16": 8.0, "moderated": 1.5, "explanation": 6.0, "health": 0.06, "bad": 0.2}
TRAFFIC = {"single": 60, "batch4": 12, "batch16": 4, "moderated": 10, "explanation": 1, "health": 8, "bad": 5}
CALM = GeneratorUse(processes=1, cpu_share=0.14, wake_lag_p99_ms=1.9, sent_late_p99_ms=0.0, starved=False)


def latency(p50: float, count: int = 380, tail: float = 1.6) -> Latency:
    """Return percentiles around a middle; `tail` is p99 over p50."""
    p90, p95 = (p50 * (1 + share * (tail - 1)) for share in (0.5, 0.7))
    return Latency(count, p50, p90, p95, p50 * tail, p50 * tail * 1.1, mean=p50)


def server(rate: float, batch: float, queue_ms: float) -> ServerUse:
    """Return what a server takes at a rate, its batches binomially around a mean of up to eight."""
    draw = random.Random(round(1000 * batch))
    sizes = [1 + sum(draw.random() < (batch - 1) / 7 for _ in range(7)) for _ in range(round(rate * SECONDS / batch))]
    counts = {str(size): sizes.count(size) for size in sorted(set(sizes))}
    return ServerUse(
        "processes", min(1.9, 0.046 * rate), 0.002 * rate, 610 + 2 * batch, queue_ms, counts, 0, round(rate * SECONDS)
    )


def run(stage: str, setting: str, number: int, rate: float, **other: Any) -> Run:
    """Return one measurement without a failure, in which `rate` requests per second were answered."""
    plain = Run(
        stage=stage,
        setting=setting,
        round=number,
        traffic="single=1",
        users=None,
        offered_per_s=None,
        arrived_per_s=None,
        seconds=SECONDS,
        answered_per_s=rate,
        images_per_s=rate,
        latency=latency(60.0, count=round(rate * SECONDS)),
        refusal_latency=None,
        outcomes={"right": round(rate * SECONDS)},
        errors={},
        by_kind={},
        server=server(rate, 4.0, 5.0),
        generator=CALM,
    )
    return replace(plain, **other)


def closed_run(capacity: float, users: int, number: int) -> Run:
    """Return one closed-loop measurement; a lone user gets half of what many get."""
    rate = capacity * (users / (users + 0.9)) ** 1.4 * _wobble("closed", users, number)
    p50 = 1000 * users / rate
    return run(
        "closed",
        f"{users} user{'s' * (users != 1)}",
        number,
        rate,
        users=users,
        latency=latency(p50, count=round(rate * SECONDS), tail=1.25),
        server=server(rate, min(7.6, 1 + users * 0.45), max(1.0, p50 - 230)),
    )


def open_run(capacity: float, share: int, number: int, stage: str = "open") -> Run:
    """Return one open-loop measurement; over capacity the queue is full and the rest is refused."""
    offered = capacity * share / 100
    over = max(0.0, offered - capacity * 0.97)
    rate = (offered - over) * _wobble("open", share, number)
    p50 = {50: 55.0, 80: 120.0, 100: 900.0, 150: 1690.0}[share] * _wobble("p50", share, number)
    refused = round(over * SECONDS)
    return run(
        stage,
        f"{share} %",
        number,
        rate,
        offered_per_s=offered,
        arrived_per_s=offered,
        latency=latency(p50, count=round(rate * SECONDS), tail={50: 2.4, 80: 3.1, 100: 1.9, 150: 1.13}[share]),
        refusal_latency=latency(4.0, count=refused, tail=5.0) if refused else None,
        outcomes={"right": round(rate * SECONDS)} | ({"refused": refused} if refused else {}),
        errors={"overloaded": refused} if refused else {},
        server=server(rate, {50: 1.8, 80: 4.1, 100: 7.4, 150: 7.9}[share], p50 * 0.7),
        generator=replace(CALM, sent_late_p99_ms=3.1),
    )


def mixed_run(capacity: float, number: int, kinds: Mapping[str, float]) -> Run:
    """Return one measurement of every kind at once."""
    by_kind = {
        kind: latency(380 * weight * _wobble("mixed", len(kind), number), round(120 / (1 + weight)))
        for kind, weight in kinds.items()
    }
    counts = {"right": sum(one.count for one in by_kind.values()), "expected_error": by_kind["bad"].count}
    return run(
        "mixed",
        "16 users",
        number,
        capacity * 0.55,
        images_per_s=capacity * 0.97,
        users=16,
        latency=latency(16_000 / (capacity * 0.55)),
        traffic=",".join(f"{kind}={weight}" for kind, weight in TRAFFIC.items() if kind in kinds),
        by_kind=by_kind,
        outcomes=counts,
        errors={},
    )


def overload(capacity: float) -> Overload:
    """Return 20 s of half the capacity, 20 s of one and a half times, 30 s of half again."""
    timeline = []
    for second in range(70):
        is_over = 20 <= second < 40
        offered = capacity * (1.5 if is_over else 0.5) * _wobble("offered", second, 1, width=0.16)
        refused = max(0.0, offered - capacity * 0.98) if second in range(22, 40) else 0.0
        p99 = 110.0 if second < 20 or second > 42 else min(1950.0, 320.0 * (second - 19)) if second < 41 else 700.0
        moment = Moment(float(second), offered, refused, p99 * _wobble("p99", second, 2, width=0.1), offered - refused)
        timeline.append(moment)
    return Overload(
        profile=((capacity * 0.5, 20.0), (capacity * 1.5, 20.0), (capacity * 0.5, 30.0)),
        capacity_per_s=capacity,
        run=open_run(capacity, 150, 1, "overload"),
        timeline=timeline,
        baseline_p99_ms=115.0,
        recovered_seconds=2.4,
        watched_seconds=30.0,
        unanswered=0,
        failed=0,
        unsent=0,
        workers_restarted=0,
        workers_after=1,
    )


def trial(rate: float, p99_ms: float | None, failures: int = 0, **other: Any) -> Trial:
    """Return a trial of a rate that arrived as it was to, and was answered as it arrived."""
    return replace(Trial(rate, rate, rate, p99_ms, failures), **other)


def target(name: str = "rest", rounds: int = 3) -> TargetRecord:
    """Return all of one transport; gRPC has no moderated pictures and no explanations."""
    capacity, numbers = CAPACITIES[name], range(1, rounds + 1)
    closed = [closed_run(capacity, users, number) for number in numbers for users in USERS]
    kinds = {
        kind: weight for kind, weight in KINDS.items() if name == "rest" or kind not in ("moderated", "explanation")
    }
    capacity = median(one.answered_per_s for one in closed if one.users == 32)
    return TargetRecord(
        capacity_per_s=capacity,
        capacity_users=32,
        closed=closed,
        mixed=[mixed_run(capacity, number, kinds) for number in numbers],
        open=[open_run(capacity, share, number) for number in numbers for share in SHARES],
        knee=Knee(
            OBJECTIVE_MS,
            capacity * 0.92,
            612.0,
            [
                trial(capacity * 0.8, 371.0),
                trial(capacity, 1690.0, failures=11),
                trial(capacity * 0.92, 612.0),
            ],
        ),
        overload=overload(capacity),
    )


def batching_runs(rounds: int = 3) -> list[Run]:
    """Return batch sizes 1 to 32 at 16 users."""
    rates = {1: 24.0, 2: 29.5, 4: 34.0, 8: 37.6, 16: 38.4, 32: 38.1}
    return [
        run(
            "batching",
            f"batchSize {size}",
            number,
            rate * _wobble("batching", size, number),
            users=16,
            latency=latency(16_000 / rate, tail=1.3),
        )
        for number in range(1, rounds + 1)
        for size, rate in rates.items()
    ]


def record(rounds: int = 3, names: tuple[str, ...] = ("rest", "grpc"), **other: Any) -> Record:
    """Return a whole campaign in which all is well."""
    plain = Record(
        started_utc="2026-01-02 03:04 UTC",
        command="scripts/loadtest --target both",
        profile="default",
        rounds=rounds,
        machine={
            "cpu": "A processor @ 2.6 GHz",
            "cores": 2,
            "flags": ["avx512_vnni", "amx_int8"],
            "memory_gib": 16.0,
            "system": "Linux 6.1",
            "versions": {"python": "3.12.3", "torch": "2.13.0", "openvino": "2026.1", "torchserve": "0.12.0"},
        },
        service={
            "model": {"name": "nsfw", "version": "1.0", "checkpoint": "random-vit", "engine": "openvino"},
            "graph": {"precision": "int8", "merge_tokens": 0},
            "cache_entries": 10000,
            "batchSize": 8,
            "maxBatchDelay": 1,
            "jobQueueSize": 72,
        },
        pictures={
            "seed": 0,
            "count": 48,
            "formats": {"jpeg": 34, "png": 8, "webp": 6},
            "sizes": {"thumbnail": 12, "web": 24, "phone": 12},
            "mean_kB": 212.4,
        },
        lone_p50_ms=41.2,
        lone_p99_ms=88.0,
        own_server=True,
        targets={name: target(name, rounds) for name in names},
        batching=batching_runs(rounds),
        notes=[],
    )
    return replace(plain, **other)


def with_target(whole: Record, name: str = "rest", **changes: Any) -> Record:
    """Return a record of which one target has other values."""
    return replace(whole, targets={**whole.targets, name: replace(whole.targets[name], **changes)})


def overload_record(**changes: object) -> Record:
    """Return a record whose REST overload, or the run in it, went otherwise."""
    whole = record()
    over = whole.targets["rest"].overload
    run_changes = {name: changes.pop(name) for name in list(changes) if name in Run.__slots__}
    return with_target(whole, overload=replace(over, run=replace(over.run, **run_changes), **changes))


def first_run_otherwise(part: str, **changes: object) -> Record:
    """Return a record of which REST's first run of a part has other values."""
    whole = record()
    first, *others = getattr(whole.targets["rest"], part)
    return with_target(whole, **{part: [replace(first, **changes), *others]})


def bare_record() -> Record:
    """Return the least that a campaign can have found: one target and round, no knee, no recovery, unknowns."""
    whole = record(rounds=1, names=("rest",), batching=[], own_server=False, service={}, pictures={})
    one = whole.targets["rest"]
    unseen = ServerUse("prometheus", None, None, None, None, {}, 0, 0)
    silent = replace(one.overload.run, answered_per_s=0.0, images_per_s=0.0, latency=None, server=unseen)
    over = replace(
        one.overload,
        run=silent,
        timeline=[replace(moment, p99_ms=None) for moment in one.overload.timeline],
        recovered_seconds=None,
    )
    return with_target(
        whole,
        closed=[replace(closed, server=unseen) for closed in one.closed],
        mixed=[],
        open=[replace(one.open[0], latency=None, answered_per_s=0.0, images_per_s=0.0, server=unseen), *one.open[1:]],
        knee=Knee(OBJECTIVE_MS, None, None, [trial(20.0, None, 4), trial(32.0, 2400.0)]),
        overload=over,
    )


def _wobble(*what: object, width: float = 0.04) -> float:
    """Return a factor near one that is the same every time for the same thing."""
    return 1 + width * (random.Random(repr(what[0:3])).random() - 0.5)
