#!/usr/bin/env python3
"""Measure the load generator itself, against a TorchServe whose handler infers nothing.

    python loadtest/generator_bench.py                      seven rounds, JPEGs of 20 kB, 16 users
    python loadtest/generator_bench.py --pictures FOLDER    with one's own JPEGs
    python loadtest/generator_bench.py --quick              one short round, to see that all of it works

In turn: Locust as the load test runs it, raw samples included, Locust that looks at no answer, the generator of
bench.py, Locust in several processes, Locust over gRPC. generator.json and generator.md go into
loadtest/reports/<UTC time>-generator/. A wrong answer ends it with status 3 and no report, what can't be measured with
status 1. Leave the machine to it meanwhile.
"""

import argparse
import json
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from measuring import ROOT, command, machine, report_folder
from measuring.archives import Archive
from measuring.coprocess import Coprocess
from measuring.generator import apply
from measuring.pictures import jpegs_of, photos
from measuring.servers import Server
from noop import packing, report
from noop.locust_run import Measured, watch

NAME = "generator"
SIDES_PX, QUALITY = (384, 256), 87  # a photo of 20 kB
PICTURES = 32
WARMUP_SECONDS = 8.0  # Java has then compiled what it runs often
SETTLE_SECONDS = 0.5
LOCUSTFILES = ROOT / "loadtest"

Measure = Callable[[], Measured]


def main() -> int:
    """Run the command; returns the exit status."""
    options = parse_arguments()
    return command.run(NAME, lambda: run(options))


def run(options: argparse.Namespace) -> Path:
    """Serve the no-op, measure every generator in turn, write the report; returns its folder."""
    folder = options.out or report_folder.new_folder(NAME)
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="generator-") as name:
        scratch = Path(name)
        pictures = options.pictures or lay_out_photos(scratch / "pictures")
        payloads = jpegs_of(pictures)
        archive = Archive("noop", scratch / "noop.mar")
        packing.pack(archive.file, options.handler)
        server = Server(archive, scratch / "server", "ours")
        with server, Coprocess("measuring.generator", [str(pictures)]) as bare:
            samples, count = scratch / "samples", len(payloads)
            measures = generators(options, server, bare, pictures=pictures, samples=samples, count=count)
            say("warm-up")
            bare_measured(bare, server, options.users, WARMUP_SECONDS, count)
            rounds = [one_round(number, measures) for number in range(1, options.rounds + 1)]
    record = {
        "started_utc": f"{started:%Y-%m-%d %H:%M} UTC",
        "command": shlex.join(["python", "loadtest/generator_bench.py", *sys.argv[1:]]),
        "machine": machine.describe(),
        "locust": version("locust"),
        "users": options.users,
        "seconds": options.seconds,
        "pictures": len(payloads),
        "mean_picture_kb": sum(map(len, payloads)) / len(payloads) / 1000,
        "must_reach_per_s": report.MUST_REACH_PER_S,
        "rounds": rounds,
    }
    report_folder.write(
        folder,
        {f"{NAME}.json": lambda: json.dumps(record, indent=1), f"{NAME}.md": lambda: report.markdown(record)},
    )
    return folder


def generators(
    options: argparse.Namespace, server: Server, bare: Coprocess, *, pictures: Path, samples: Path, count: int
) -> dict[str, Measure]:
    """Return what to measure, by name."""

    ports, images = server.ports, ["--pictures", str(pictures)]

    def locust(file: str, host: str, *words: str) -> Measure:
        arguments = ["-f", str(LOCUSTFILES / file), "--host", host, *images, *words]
        return lambda: watch(arguments, options.users, server, options.seconds)

    rest, grpc = f"http://127.0.0.1:{ports.inference}", f"127.0.0.1:{ports.grpc_inference}"
    checked = ["--traffic", "single=1", "--samples", str(samples)]
    return {
        report.CHECKED: locust("locustfile.py", rest, *checked),
        report.PLAIN: locust("baseline/plain_locustfile.py", rest),
        report.BARE: lambda: bare_measured(bare, server, options.users, options.seconds, count),
        report.PROCESSES: locust("locustfile.py", rest, *checked, "--processes", str(options.processes)),
        report.GRPC: locust("locustfile_grpc.py", grpc, *checked),
    }


def one_round(number: int, measures: Mapping[str, Measure]) -> dict[str, dict[str, Any]]:
    """Measure everything once; every second round backwards, so that a drift of the machine favours nobody."""
    found = {}
    for name, measure in list(measures.items())[:: 1 if number % 2 else -1]:
        time.sleep(SETTLE_SECONDS)
        found[name] = asdict(measure())
        say(f"round {number}: {name} {found[name]['requests_per_s']:,.0f} requests/s")
    return {name: found[name] for name in measures}


def bare_measured(bare: Coprocess, server: Server, users: int, seconds: float, count: int) -> Measured:
    """Measure the generator of bench.py: threads, blocking sockets, and the same checks."""
    load = {**server.target, "concurrency": users, "seconds": seconds, "warmup_seconds": 1.0}
    result = apply(bare, load, [packing.SCORES.classes()] * count, report.BARE)
    return Measured(
        requests_per_s=result["images_per_s"],
        cpu_ms={name: 1000 * spent for name, spent in result["cpu_seconds_per_image"].items()},
        answered=result["answered"],
        strangers_share=result["strangers_share"],
    )


def lay_out_photos(folder: Path) -> Path:
    """Write photos of about 20 kB into a new folder; returns it."""
    folder.mkdir()
    for index, payload in enumerate(photos(PICTURES)):
        with Image.open(BytesIO(payload)) as photo:
            photo.resize(SIDES_PX).save(folder / f"{index:03}.jpg", quality=QUALITY)
    return folder


def say(line: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, help="folder of JPEGs to send, instead of photos of 20 kB")
    parser.add_argument("--users", type=int, default=16, help="users at once (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="of the Locust that has several (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="alternations (%(default)s)")
    parser.add_argument("--seconds", type=float, default=5, help="of one measurement (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of 1 s")
    parser.add_argument("--out", type=Path, help="folder of the report (loadtest/reports/<UTC time>-generator)")
    parser.add_argument("--handler", type=Path, default=packing.HANDLER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 1.0
    if min(options.rounds, options.users, options.processes) < 1 or options.seconds <= 0:
        parser.error("counts must be at least 1, and seconds more than 0")
    return options


if __name__ == "__main__":
    sys.exit(main())
