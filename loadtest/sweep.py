#!/usr/bin/env python3
"""Find batch size, delay, workers, threads and queue length by measuring, not by folklore.

    python loadtest/sweep.py --archive model_store/nsfw.mar          three rounds over every axis
    python loadtest/sweep.py --archive model_store/nsfw.mar --quick  one short round over two axes

One thing is varied at a time; for each setting a server starts from the same archive with another model-config.yaml.
What was chosen is then measured together, and its queue tried with more users than it takes. sweep.json, sweep.csv,
sweep.png and sweep.md, with the settings to use and the rule that chose them, go into
loadtest/reports/<UTC time>-sweep/. A wrong answer ends it with status 3, and what can't be measured with status 1;
there is no report then. Leave the machine to it meanwhile.
"""

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from measuring import command, machine, report_folder, sweep_report
from measuring.archives import Archive, Changes
from measuring.coprocess import Coprocess
from measuring.pictures import photos
from measuring.recommendation import job_queue_size, recommended
from measuring.sweeping import (
    Axis,
    Measurement,
    Target,
    axes_of,
    capacity,
    combined,
    expected_scores,
    measure,
    outcomes,
    sweep,
)

USERS = (1, 4, 16, 32)
CROWD = 16  # users from whom on throughput counts
BATCHES = (1, 2, 4, 8, 16, 32)
DELAYS_MS = (1, 2, 3, 5, 10, 50)
OVERLOAD = 1.5


def main() -> int:
    """Run the command; returns the exit status."""
    options = parse_arguments()
    return command.run("sweep", lambda: run(options))


def run(options: argparse.Namespace) -> Path:
    """Measure and write the report; returns its folder."""
    folder = options.out or report_folder.new_folder("sweep")
    started = datetime.now(UTC)
    axes = axes_of(machine.describe()["cores"], options.batches, options.delays)
    axes = [axis for axis in axes if not options.axes or axis.key in options.axes]
    with tempfile.TemporaryDirectory(prefix="sweep-") as name:
        target = prepare(options, Path(name))
        with Coprocess("measuring.generator", [str(target.pictures)]) as generator:
            found = sweep(
                target,
                axes,
                rounds=options.rounds,
                users=options.users,
                seconds=options.seconds,
                generator=generator,
                say=say,
            )
            chosen = choose(axes, found, options.users)
            changes = combined(axes, chosen)
            together = measure_together(target, changes, options, generator=generator)
            queue = try_queue(target, changes, capacity(together), options, generator=generator)
    record = {
        "started_utc": f"{started:%Y-%m-%d %H:%M} UTC",
        "command": shlex.join(["python", "loadtest/sweep.py", *sys.argv[1:]]),
        "machine": machine.describe(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "recommended": chosen,
        "settings": changes | {"jobQueueSize": queue["job_queue_size"]},
        "queue": queue,
        "together": [asdict(one) for one in together],
        "measurements": [asdict(one) for one in found],
    }
    report_folder.write(
        folder,
        {
            "sweep.json": lambda: json.dumps(record, indent=1),
            "sweep.csv": lambda: sweep_report.rows_of_csv([*found, *together]),
            "sweep.png": lambda: sweep_report.png(record, axes, found),
            "sweep.md": lambda: sweep_report.markdown(record, axes, found, together),
        },
    )
    return folder


def prepare(options: argparse.Namespace, scratch: Path) -> Target:
    """Lay out the pictures and learn what the archive answers to them."""
    pictures = scratch / "pictures"
    pictures.mkdir()
    for index, payload in enumerate(photos(options.pictures)):
        (pictures / f"{index:05}.jpg").write_bytes(payload)
    archive = Archive("swept", options.archive)
    return Target(archive, pictures, expected_scores(archive, pictures, scratch), scratch)


def crowds_of(users: Sequence[int]) -> list[int]:
    """Return the concurrencies that count for throughput."""
    return [count for count in users if count >= CROWD] or [max(users)]


def choose(axes: Sequence[Axis], found: Sequence[Measurement], users: Sequence[int]) -> dict[str, str]:
    """Return the setting to use on each axis."""
    crowds = crowds_of(users)
    return {axis.name: list(axis.settings)[recommended(outcomes(found, axis), crowds)] for axis in axes}


def measure_together(
    target: Target, changes: Changes, options: argparse.Namespace, *, generator: Coprocess
) -> list[Measurement]:
    """Measure the recommended settings together: what was best alone need not add up."""
    found = []
    for turn in range(1, options.rounds + 1):
        added = measure(
            target,
            "together",
            "recommended",
            changes,
            turn=turn,
            users=crowds_of(options.users),
            seconds=options.seconds,
            generator=generator,
        )
        rates = ", ".join(f"{one.users} users {one.images_per_s:.1f}" for one in added)
        say(f"round {turn} of {options.rounds}, together: images/s with {rates}")
        found += added
    return found


def try_queue(
    target: Target, changes: Changes, images_per_s: float, options: argparse.Namespace, *, generator: Coprocess
) -> dict[str, Any]:
    """Size the queue for the recommended settings and send more users than it takes: some must be refused."""
    config = target.archive.model_config() | changes
    size = job_queue_size(images_per_s, options.objective, config["batchSize"], config["minWorkers"])
    users = int(OVERLOAD * (size + config["batchSize"] * config["minWorkers"])) + config["batchSize"]
    say(f"jobQueueSize {size}: tried with {users} users")
    [overload] = measure(
        target,
        "jobQueueSize",
        str(size),
        {**changes, "jobQueueSize": size},
        turn=1,
        users=[users],
        seconds=max(options.seconds, 2 * options.objective),
        generator=generator,
        busy_is_fine=True,
    )
    return {
        "capacity_images_per_s": images_per_s,
        "objective_seconds": options.objective,
        "job_queue_size": size,
        "users": users,
        "busy": overload.busy,
        "p99_ms": overload.p99_ms,
        "kept_objective": overload.p99_ms <= 1000 * options.objective,
        "images_per_s": overload.images_per_s,
    }


def say(line: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, required=True, help="archive to serve, its settings being the base")
    parser.add_argument(
        "--objective", type=float, default=2.0, help="seconds an accepted request may take (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each setting (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of one measurement (%(default)s)")
    parser.add_argument("--pictures", type=int, default=32, help="how many photos to make (%(default)s)")
    parser.add_argument("--users", type=int, nargs="+", default=list(USERS), help="users at once (1 4 16 32)")
    names = [axis.key for axis in axes_of(1, BATCHES, DELAYS_MS)]
    parser.add_argument("--axes", nargs="+", choices=names, help="only these, by the first word of their names (all)")
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES), help="batch sizes to try")
    parser.add_argument("--delays", type=int, nargs="+", default=list(DELAYS_MS), help="delays to try, ms")
    parser.add_argument("--quick", action="store_true", help="one round of 1 s, batch sizes and delays only")
    parser.add_argument("--out", type=Path, help="folder of the report (loadtest/reports/<UTC time>-sweep)")
    options = parser.parse_args()
    if min(options.rounds, options.pictures, *options.users) < 1 or min(options.seconds, options.objective) <= 0:
        parser.error("counts must be at least 1, and seconds more than 0")
    if options.quick:
        options.rounds, options.seconds, options.pictures, options.users = 1, 1.0, 8, [1, 16]
        options.batches, options.delays = [2, 8], [3]
        options.axes = options.axes or ["batchSize", "maxBatchDelay"]
    return options


if __name__ == "__main__":
    sys.exit(main())
