#!/usr/bin/env python3
"""Measure engine, pipeline, server and the stock handler against each other, in turn, on the same pictures.

    python loadtest/bench.py                                        seven rounds with models/random-vit
    python loadtest/bench.py --archive model_store/nsfw.mar --also merged=model_store/merged.mar
    python loadtest/bench.py --build='--precision int8'             options of scripts/build_archive.py
    python loadtest/bench.py --quick                                one short round, to see that all of it works

It measures serving on the CPU, whatever else the machine has; loadtest/gpu_bench.py measures a GPU. bench.json,
bench.csv, bench.png and bench.md go into loadtest/reports/<UTC time>-bench/. Scores and action of every answer are
checked: a wrong one ends it with status 3, and there is no report. What can't be measured ends it with status 1. Leave
the machine to it meanwhile.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from baseline import packing
from measuring import ROOT, archives, command, machine, plot, report_folder, tables
from measuring.archives import Archive
from measuring.contenders import Contender, Workplace, reference_scores
from measuring.figures import OURS, STOCK
from measuring.pictures import jpegs_of, photos
from measuring.session import Plan, Session, memory_of
from trust_nsfw.checkpoint import read_json

RANDOM_VIT = ROOT / "models/random-vit"
FEWEST_USERS = 2  # a single one is measured apart
VIT_B16 = {"model_type": "vit", "hidden_size": 768, "num_hidden_layers": 12, "image_size": 224, "patch_size": 16}


def main() -> int:
    """Run the command; returns the exit status."""
    options = parse_arguments()
    return command.run("bench", lambda: run(options))


def run(options: argparse.Namespace) -> Path:
    """Build what is missing, measure, write the report; returns its folder."""
    folder = options.out or report_folder.new_folder("bench")
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.scratch) as name, ExitStack() as stack:
        scratch = Path(name)
        pictures = lay_out_pictures(options, scratch / "pictures")
        if not options.model.is_dir() and options.model == RANDOM_VIT:
            fetch: list[str | Path] = [
                sys.executable,
                ROOT / "scripts/fetch_model.py",
                "random-vit",
                "--out",
                RANDOM_VIT,
            ]
            subprocess.run(fetch, check=True)
        say("the fp32 reference's scores")
        place = Workplace(scratch, pictures, reference_scores(options.model, pictures, scratch))
        contenders = []
        for archive, kind in build_archives(options, scratch):
            say(f"starting {archive.name}, {options.starts} x")
            contenders.append(stack.enter_context(Contender(archive, kind, place, options.starts)))
        say(f"ready after {', '.join(f'{one.name} {min(one.ready_seconds):.1f} s' for one in contenders)}")
        plan = Plan(options.rounds, options.seconds, tuple(options.users))
        rounds = list(Session(contenders, plan, pictures, say).rounds())
        record = {
            "started_utc": f"{started:%Y-%m-%d %H:%M} UTC",
            "command": shlex.join(["python", "loadtest/bench.py", *sys.argv[1:]]),
            "options": {"pictures": len(place.reference), "seconds": plan.seconds},
            "machine": machine.describe(),
            "checkpoint": contenders[0].description["checkpoint"],
            "is_vit_b16": is_vit_b16(options.model),
            "mean_picture_kb": sum(map(len, jpegs_of(pictures))) / len(place.reference) / 1000,
            "contenders": {one.name: {"kind": one.kind} | one.description for one in contenders},
            "shift_from_fp32": {one.name: one.shift_from_reference for one in contenders},
            "told_apart": {one.name: one.told_apart for one in contenders},
            "ready_seconds": {one.name: one.ready_seconds for one in contenders},
            "memory": {one.name: memory_of(one) for one in contenders},
            "checked_answers": sum(answers_in(one) for one in rounds),
            "rounds": rounds,
        }
    report_folder.write(
        folder,
        {
            "bench.json": lambda: json.dumps(record, indent=1),
            "bench.csv": lambda: tables.rows_of_csv(record),
            "bench.png": lambda: plot.png(record),
            "bench.md": lambda: tables.markdown(record),
        },
    )
    return folder


def lay_out_pictures(options: argparse.Namespace, folder: Path) -> Path:
    """Write the pictures to send into a new folder; returns it."""
    folder.mkdir()
    payloads = jpegs_of(options.images) if options.images else photos(options.pictures)
    for index, payload in enumerate(payloads):
        (folder / f"{index:05}.jpg").write_bytes(payload)
    return folder


def build_archives(options: argparse.Namespace, scratch: Path) -> list[tuple[Archive, Any]]:
    """Return what will be compared: ours, further ones of ours, the baseline. Raises ValueError for other weights."""
    own = Archive(OURS, options.archive or scratch / "ours.mar")
    if not options.archive:
        say("building our archive")
        archives.build(options.model, archives.MODEL_CONFIG, own.file, shlex.split(options.build))
    further = [Archive(name, file) for name, file in options.also]
    for archive in (own, *further):
        archive.require_weights(options.model)
    stock = Archive(STOCK, scratch / "stock.mar")
    packing.pack(options.model, stock.file, options.stock_handler)
    return [(own, "ours"), *((archive, "ours") for archive in further), (stock, "stock")]


def is_vit_b16(model: Path) -> bool:
    """Whether a checkpoint has the shape whose cost per image is known."""
    config = read_json(model / "config.json")
    return all(config.get(key) == value for key, value in VIT_B16.items())


def answers_in(part: Any) -> int:
    """Return how many answers a round's record counts."""
    if not isinstance(part, dict):
        return 0
    return int(part.get("answered", 0)) + sum(map(answers_in, part.values()))


def say(line: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def named_archive(text: str) -> tuple[str, Path]:
    """Parse NAME=PATH."""
    name, _, path = text.partition("=")
    if not path or name in {OURS, STOCK} or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH with a name of its own")
    return name, Path(path)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=RANDOM_VIT, help="checkpoint directory (%(default)s)")
    parser.add_argument("--archive", type=Path, help="our archive, built from --model, instead of building one")
    parser.add_argument("--build", default="", help="further options for scripts/build_archive.py, in quotes")
    parser.add_argument(
        "--also",
        type=named_archive,
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="another archive of ours, built from --model, to measure beside",
    )
    parser.add_argument("--images", type=Path, help="folder of JPEGs instead of photos of 960x640 px")
    parser.add_argument("--pictures", type=int, default=64, help="how many photos to make (%(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="alternations (%(default)s)")
    parser.add_argument("--seconds", type=float, default=10, help="of one measurement (%(default)s)")
    parser.add_argument("--users", type=int, nargs="+", default=[16, 32], help="users at once, at least 2 (16 32)")
    parser.add_argument("--starts", type=int, default=3, help="times to start each server (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="one round of 1 s, 8 photos, one start")
    parser.add_argument("--out", type=Path, help="folder of the report (loadtest/reports/<UTC time>-bench)")
    parser.add_argument("--scratch", type=Path, help="where to put archives meanwhile (the system's place)")
    parser.add_argument("--stock-handler", type=Path, default=packing.HANDLER, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.pictures, options.starts = 1, 1.0, 8, 1
    if min(options.rounds, options.pictures, options.starts) < 1 or options.seconds <= 0:
        parser.error("counts must be at least 1, and seconds more than 0")
    if min(options.users) < FEWEST_USERS:
        parser.error(f"--users must be at least {FEWEST_USERS}: a single user is measured anyway")
    return options


if __name__ == "__main__":
    sys.exit(main())
