#!/usr/bin/env python3
"""Measure a server under load: how much it can take, at which latency, and what happens past that.

    scripts/loadtest                        about twelve minutes, over REST
    scripts/loadtest --quick --target both  under three minutes, REST and gRPC
    scripts/loadtest --full                 about forty minutes
    scripts/loadtest compare A B            two reports side by side

It measures the server that runs at --host, and where none runs, one of its own from model_store/nsfw.mar, whose batch
settings it varies as well. The times are those of a server of 30 images/s or more; a slower one takes longer to fill
its queue and to answer every user once. report.html, CSV files and pictures go into
loadtest/reports/<UTC time>-loadtest/. A wrong answer ends it with status 3, and what can't be measured with status 1;
there is no report then. Leave the machine to it meanwhile.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from campaign import charts, compare, driver, report, tables
from campaign.driver import Order
from campaign.errors import CampaignError
from campaign.profiles import DEFAULT, FULL, QUICK, Profile
from campaign.record import Record
from campaign.serving import Wanted
from measuring import command, report_folder
from traffic.mix import MixSettings

TARGETS = {"rest": ("rest",), "grpc": ("grpc",), "both": ("rest", "grpc")}
COMPARE = "compare"
BOUNDS: Sequence[tuple[Sequence[str], Callable[[float], bool], str]] = (
    (("users", "batches", "delays", "mix-count", "rounds", "processes"), lambda value: value >= 1, "at least 1"),
    (("shares", "objective-ms", "seconds"), lambda value: value > 0, "more than 0"),
    (("knee-steps",), lambda value: value >= 0, "0 or more"),
)


def main(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit status."""
    if arguments[:1] == [COMPARE]:
        return compare_reports(arguments[1:])
    options = parse_arguments(arguments)
    return command.run(
        "loadtest", lambda: measure(options), summary="summary.md", page="report.html", failures=(CampaignError,)
    )


def measure(options: argparse.Namespace) -> Path:
    """Carry the campaign out and write its report; returns the folder."""
    folder: Path = options.out or report_folder.new_folder("loadtest")
    if folder.exists():
        raise CampaignError(f"{folder} exists already; a report never goes over another")
    record, samples = driver.carry_out(order_of(options))
    write(folder, record, samples)
    return folder


def write(folder: Path, record: Record, samples: bytes) -> None:
    """Write what was measured, and then what is made of it: an error in that loses none of the former."""
    report_folder.write(
        folder, {"report.json": lambda: json.dumps(record.to_json(), indent=1), "samples.csv.gz": lambda: samples}
    )
    report_folder.write(
        folder,
        {
            "runs.csv": lambda: tables.runs_csv(record),
            "timeline.csv": lambda: tables.timeline_csv(record),
            "summary.md": lambda: tables.summary(record),
            "report.html": lambda: report.html(record),
        },
    )
    report_folder.write(folder, charts.pngs(record))


def order_of(options: argparse.Namespace) -> Order:
    """Return what the command line orders."""
    return Order(
        profile=profile_of(options),
        targets=TARGETS[options.target],
        wanted=Wanted(
            host=options.host,
            grpc_host=options.grpc_host,
            management=options.management,
            metrics=options.metrics,
            archive=options.archive,
            model=options.model,
        ),
        objective_ms=options.objective_ms,
        pictures=options.pictures,
        mix=MixSettings(seed=options.mix_seed, count=options.mix_count),
        processes=options.processes,
    )


def profile_of(options: argparse.Namespace) -> Profile:
    """Return the profile with what the command line changes in it."""
    profile = QUICK if options.quick else FULL if options.full else DEFAULT
    if options.seconds is not None:
        profile = profile.with_seconds(options.seconds)
    changes = {
        "rounds": options.rounds,
        "batching_rounds": options.rounds,
        "users": options.users and tuple(options.users),
        "shares": options.shares and tuple(share / 100 for share in options.shares),
        "batch_sizes": None if options.batches is None else tuple(options.batches),
        "delays_ms": None if options.delays is None else tuple(options.delays),
        "knee_steps": options.knee_steps,
    }
    return replace(profile, **{name: value for name, value in changes.items() if value is not None})


def compare_reports(arguments: Sequence[str]) -> int:
    """Put two reports side by side on the terminal; returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/loadtest compare", description="Two reports side by side.")
    parser.add_argument("a", type=Path, help="folder of the report to compare with")
    parser.add_argument("b", type=Path, help="folder of the other")
    parser.add_argument("--out", type=Path, help="file that gets the comparison as Markdown too")
    options = parser.parse_args(arguments)
    try:
        print(compare.run(options.a, options.b, options.out))
    except (OSError, ValueError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return command.FAILED
    return 0


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/loadtest", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one short round, to see that all of it works")
    size.add_argument("--full", action="store_true", help="five rounds, longer ones")
    parser.add_argument("--target", choices=TARGETS, default="rest", help="over what it is asked (%(default)s)")
    server = parser.add_argument_group("the server")
    server.add_argument("--host", help="REST address of a server that runs (config.properties' address, if one does)")
    server.add_argument("--grpc-host", metavar="HOST:PORT", help="its gRPC address, if not where it is by default")
    server.add_argument("--management", metavar="URL", help="its management address, likewise")
    server.add_argument("--metrics", metavar="URL", help="its metrics address, likewise")
    ours = server.add_mutually_exclusive_group()
    ours.add_argument("--archive", type=Path, help="start a server with this archive, whatever else runs")
    ours.add_argument("--model", type=Path, help="start a server with an archive built from this checkpoint directory")
    load = parser.add_argument_group("the load")
    load.add_argument("--objective-ms", type=float, default=2000.0, help="p99 that the knee must keep (%(default)g)")
    load.add_argument("--pictures", type=Path, help="folder of JPEG, PNG and WebP files to send instead of the mix")
    load.add_argument("--mix-seed", type=int, default=0, help="seed of the generated mix (%(default)s)")
    load.add_argument("--mix-count", type=int, default=48, help="good pictures in it (%(default)s)")
    load.add_argument(
        "--users", type=int, nargs="+", help="users at once, closed loop (1 2 4 8 16 32 64; with --quick 1 16 64)"
    )
    load.add_argument("--shares", type=float, nargs="+", metavar="PERCENT", help="of capacity (50 80 100 150)")
    load.add_argument("--batches", type=int, nargs="*", help="batch sizes to try; none: leave them out")
    load.add_argument("--delays", type=int, nargs="*", help="delays to try, ms; none: leave them out")
    load.add_argument("--rounds", type=int, help="measurements of each kind")
    load.add_argument("--seconds", type=float, help="of one measurement, warm-up apart")
    load.add_argument("--knee-steps", type=int, help="rates to try beside the shares")
    load.add_argument("--processes", type=int, default=1, help="that send, each a core of its own (%(default)s)")
    parser.add_argument("--out", type=Path, help="folder of the report (loadtest/reports/<UTC time>-loadtest)")
    options = parser.parse_args(arguments)
    for names, holds, what in BOUNDS:
        for name in names:
            given = getattr(options, name.replace("-", "_"))
            for value in given if isinstance(given, list) else [given]:
                if value is not None and not holds(value):
                    parser.error(f"--{name} {value:g}: must be {what}")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
