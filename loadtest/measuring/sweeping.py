"""A sweep: the same archive under many settings, each on a server of its own, in turn and more than once."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from measuring.archives import Archive, Changes
from measuring.coprocess import Coprocess
from measuring.expectations import Scores, learned, required_told_apart
from measuring.generator import apply
from measuring.recommendation import Outcome
from measuring.servers import Server, mean_batch
from measuring.spread import percentile

SETTLE_SECONDS = 0.5
WARMUP_SECONDS = 1.0
AFFINITY = {"free": False, "pinned": True}


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing to vary, everything else as in the archive: its settings, from the least to the most, by label."""

    name: str
    settings: Mapping[str, Changes]

    @property
    def key(self) -> str:
        """The first word of its name: what --axes takes."""
        return self.name.split()[0].strip(",")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One setting with so many users, in one round; `busy` counts refusals of a full queue."""

    axis: str
    setting: str
    round: int
    users: int
    images_per_s: float
    p50_ms: float
    p99_ms: float
    mean_batch: float | None
    busy: int


@dataclass(frozen=True, slots=True)
class Target:
    """What is measured: an archive, the folder of pictures, the scores that must come back, where to put scratch."""

    archive: Archive
    pictures: Path
    expected: Sequence[Mapping[str, float]]
    scratch: Path


def axes_of(cores: int, batches: Sequence[int], delays_ms: Sequence[int]) -> list[Axis]:
    """Return what is swept on a machine with so many cores."""
    counts = sorted({1, max(cores // 2, 1), cores})
    threads = {str(count): {"trust_nsfw.engine.threads": count} for count in counts}
    workers = {
        f"{count} x {max(cores // count, 1)}": {
            "minWorkers": count,
            "maxWorkers": count,
            "trust_nsfw.engine.threads": max(cores // count, 1),
            "trust_nsfw.engine.pin_threads": count == 1,  # several would be bound to the same cores
            "trust_nsfw.decode_threads": max(cores // count, 1),
        }
        for count in counts
    }
    return [
        Axis("batchSize", {str(size): {"batchSize": size} for size in batches}),
        Axis("maxBatchDelay, ms", {str(delay): {"maxBatchDelay": delay} for delay in delays_ms}),
        Axis("workers x threads", workers),
        Axis("engine threads", {"default": {"trust_nsfw.engine.threads": 0}, **threads}),
        Axis("affinity", {name: {"trust_nsfw.engine.pin_threads": pinned} for name, pinned in AFFINITY.items()}),
        Axis(
            "decode threads",
            {str(count): {"trust_nsfw.decode_threads": count} for count in sorted({*counts, 2 * cores})},
        ),
    ]


def combined(axes: Sequence[Axis], chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings chosen on all axes together.

    Threads were varied with one worker. Where more than one is better, threads stay as they were with those, since
    workers with all threads each would compete.
    """
    changes: dict[str, Any] = {}
    for axis in axes:
        added = axis.settings[chosen[axis.name]]
        several = changes.get("minWorkers", 1) > 1
        changes |= {key: value for key, value in added.items() if not (several and key in changes)}
    return changes


def expected_scores(archive: Archive, pictures: Path, scratch: Path) -> Scores:
    """Return what the archive answers to each picture, from a process that then ends.

    Raises WrongAnswerError for actions that don't follow from the scores, ValueError for pictures that score alike.
    """
    unpacked = archive.unpack(scratch / "unpacked")
    arguments = [str(unpacked), str(pictures)]
    with Coprocess("measuring.in_process", arguments, environ=os.environ, path=str(unpacked)) as beside:
        scores, _ = learned(beside, archive.name)
    required_told_apart(archive.name, "ours", scores)
    return scores


def measure(
    target: Target,
    axis: str,
    setting: str,
    changes: Changes,
    *,
    turn: int,
    users: Sequence[int],
    seconds: float,
    generator: Coprocess,
    busy_is_fine: bool = False,
) -> list[Measurement]:
    """Start a server with some settings changed and load it with each number of users.

    Raises StartError, WrongAnswerError, NoRateError.
    """
    found = []
    with tempfile.TemporaryDirectory(prefix="sweep-", dir=target.scratch) as name:
        copy = Archive(setting, Path(name) / "changed.mar")
        target.archive.with_settings(changes, copy.file)
        with Server(copy, Path(name) / "server", "ours") as server:
            for count in users:
                time.sleep(SETTLE_SECONDS)
                before = server.counters()
                load = server.target | {
                    "concurrency": count,
                    "seconds": seconds,
                    "warmup_seconds": WARMUP_SECONDS,
                    "busy_is_fine": busy_is_fine,
                }
                result = apply(generator, load, target.expected, f"{axis} {setting}, {count} users")
                found.append(
                    Measurement(
                        axis=axis,
                        setting=setting,
                        round=turn,
                        users=count,
                        images_per_s=result["images_per_s"],
                        p50_ms=percentile(result["latencies_ms"], 50),
                        p99_ms=percentile(result["latencies_ms"], 99),
                        mean_batch=mean_batch(before, server.counters()),
                        busy=result["busy"],
                    )
                )
    return found


def sweep(
    target: Target,
    axes: Sequence[Axis],
    *,
    rounds: int,
    users: Sequence[int],
    seconds: float,
    generator: Coprocess,
    say: Callable[[str], None],
) -> list[Measurement]:
    """Measure every setting of every axis, `rounds` times, every second round backwards."""
    todo = [(axis.name, setting, changes) for axis in axes for setting, changes in axis.settings.items()]
    found = []
    for turn in range(1, rounds + 1):
        for axis, setting, changes in todo if turn % 2 else reversed(todo):
            added = measure(
                target, axis, setting, changes, turn=turn, users=users, seconds=seconds, generator=generator
            )
            rates = ", ".join(f"{one.users} users {one.images_per_s:.1f}" for one in added)
            say(f"round {turn} of {rounds}, {axis} {setting}: images/s with {rates}")
            found += added
    return found


def outcomes(measurements: Sequence[Measurement], axis: Axis) -> list[Outcome]:
    """Return the medians over the rounds for each setting of an axis, in its order."""
    users = sorted({one.users for one in measurements})

    def medians(setting: str, field: str) -> dict[int, float]:
        kept = [asdict(one) for one in measurements if (one.axis, one.setting) == (axis.name, setting)]
        return {count: median(one[field] for one in kept if one["users"] == count) for count in users}

    return [Outcome(medians(setting, "images_per_s"), medians(setting, "p50_ms")) for setting in axis.settings]


def capacity(together: Sequence[Measurement]) -> float:
    """Return images per second of the settings together: the median over the rounds, of the users who got the least."""
    return min(
        median(one.images_per_s for one in together if one.users == users) for users in {one.users for one in together}
    )
