#!/usr/bin/env python3
"""Serve a model on this machine: fetch it, pack it, start TorchServe, and show that it classifies a photo.

    python scripts/serve_model.py                       # TRUST where the hub answers, else the starter
    python scripts/serve_model.py --model starter --detach
    python scripts/serve_model.py --stop

`scripts/serve` and `scripts/stop` call this with the project's own Python.
"""

import argparse
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lowering.arguments import add_arguments, plan_of, typed
from lowering.plan import Plan
from serving.java import JavaNotFoundError
from serving.ports import PortError, require_free
from serving.probe import ProbeError
from serving.server_record import AlreadyRunningError, DamagedRecordError, ServerRecord, forget_or_refuse
from serving.torchserve_process import StartError, TorchServeProcess
from serving.ts_config import ConfigError, TorchServeConfig

ROOT = Path(__file__).resolve().parent.parent
CONFIG_FILE = ROOT / "config.properties"
MODELS = ROOT / "models"
MODEL_STORE = ROOT / "model_store"
LOGS = ROOT / "logs"
RECORD = ROOT / ".run" / "server.json"
PHOTO = ROOT / "samples" / "cat.jpg"

NAMED_SOURCES = ("trust", "starter", "random-vit")
HUB_UNREACHABLE = 3  # exit status of fetch_model.py
FIRST_ANSWER_SECONDS = 120.0
FOLLOW_SECONDS = 0.5
STOP_SECONDS = 10.0  # more than scripts/stop takes to end a server and forget its record

FALLBACK_NOTICE = """
==============================================================================
  THIS IS NOT THE TRUST MODEL.
  The Hugging Face hub can't be reached, so the starter model will answer:
  a smaller one (nsfwjs MobileNetV2), good for trying things out.
  To serve TRUST: get this machine online, or copy models/trust here from one
  that ran `scripts/serve --model trust`; then start again.
==============================================================================
"""


class ServeError(RuntimeError):
    """Why nothing is served, in a sentence for the person at the terminal."""


EXPECTED_FAILURES = (
    ServeError,
    AlreadyRunningError,
    ConfigError,
    DamagedRecordError,
    JavaNotFoundError,
    PortError,
    ProbeError,
    StartError,
    OSError,
    OverflowError,
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="auto", help="auto, trust, starter, random-vit, a hub id or a directory")
    parser.add_argument("--detach", action="store_true", help="return once it serves; scripts/stop ends it")
    parser.add_argument("--stop", action="store_true", help="end the server that runs")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return stop() if options.stop else serve(options.model, plan_of(options), options.detach)
    except EXPECTED_FAILURES as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def serve(source: str, plan: Plan, detach: bool) -> int:
    """Do the steps in order; in the foreground, stay until interrupted. Returns the exit status."""
    config = TorchServeConfig.load(CONFIG_FILE, os.environ)
    config.refuse_unsafe()
    config.refuse_too_small()
    forget_or_refuse(RECORD)
    for address in config.addresses():
        require_free(address.host, address.port)

    model_dir = fetch(source)
    build(model_dir, plan)

    with ExitStack() as stack:
        print("Starting TorchServe ...", flush=True)
        server = stack.enter_context(TorchServeProcess(CONFIG_FILE, MODEL_STORE, LOGS))
        record = ServerRecord(server.session, str(server.tmp_dir), config.inference.url, config.management.url)
        record.save(RECORD)
        stack.callback(stop_undisturbed, record)
        server.wait_until_ready()
        answer = server.classify(PHOTO, FIRST_ANSWER_SECONDS)
        introduce(server, answer, detach)
        if detach:
            stack.pop_all()
            return 0
        return follow(server)


def stop() -> int:
    """End the recorded server, whoever started it. Returns the exit status."""
    record = ServerRecord.load(RECORD)
    if record is None:
        print("No server runs.")
        return 0
    stop_undisturbed(record)
    print(f"Stopped {record.inference_url}.")
    return 0


def stop_undisturbed(record: ServerRecord) -> None:
    """End the server; an impatient second Ctrl-C must not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    record.stop(RECORD)


def fetch(source: str) -> Path:
    """Return the model directory of `source`, fetched where it isn't here yet. Raises ServeError."""
    wanted = "trust" if source == "auto" else source
    directory = Path(wanted).expanduser().resolve()
    options = []
    if wanted not in NAMED_SOURCES and directory.is_dir():
        if directory.parent == MODELS:
            return directory
        options = ["--force"]  # it may have changed since the last time
    model_dir = MODELS / _name_of(source, directory)
    status = run_script("fetch_model.py", wanted, "--out", str(model_dir), *options)
    if status == HUB_UNREACHABLE and source == "auto":
        print(FALLBACK_NOTICE, file=sys.stderr, flush=True)
        return fetch("starter")
    if status != 0:
        raise ServeError(f"{wanted} can't be served: it could not be fetched")
    return model_dir


def _name_of(source: str, directory: Path) -> str:
    """Return a folder name that no other source takes: owner--name of a hub id, name and a digest of a path."""
    if source in NAMED_SOURCES:
        return source
    if directory.is_dir():
        return f"local-{directory.name}-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:8]}"
    return source.replace("/", "--")


def build(model_dir: Path, plan: Plan) -> None:
    """Make the archive of `model_dir` the one in model_store, unless it is. Raises ServeError."""
    wanted = ["--model", str(model_dir), *typed(plan)]
    if run_script("build_archive.py", *wanted, "--check") != 0:
        print(f"Packing {model_dir.relative_to(ROOT)} ...", flush=True)
        if run_script("build_archive.py", *wanted) != 0:
            raise ServeError(f"{model_dir.relative_to(ROOT)} could not be packed")


def run_script(name: str, *arguments: str) -> int:
    """Run a neighbour of this script, which speaks for itself on the terminal; returns its exit status."""
    return subprocess.run([sys.executable, str(ROOT / "scripts" / name), *arguments], check=False).returncode


def introduce(server: TorchServeProcess, answer: dict[str, Any], detach: bool) -> None:
    """Say what serves, where, and how to ask it."""
    model, result = answer["model"], answer["results"][0]
    photo = os.path.relpath(PHOTO)
    url = f"{server.config.inference.url}/predictions/{server.model_name}"
    header = '-H "Authorization: Bearer INFERENCE_KEY" ' if server.config.needs_tokens else ""
    print(f"Serving {model['checkpoint']} ({model['engine']}, {model['precision']}) at {server.config.inference.url}")
    if model["weights"] == "random":
        print("WARNING: its weights are random; the scores mean nothing. For benchmarks and tests only.")
    print(f"It finds {photo} {result['label']} ({result['scores'][result['label']]:.2f}). Ask it yourself:")
    print(f"\n  curl {header}-T {shlex.quote(photo)} {url}\n")
    if server.config.needs_tokens:
        print(f"INFERENCE_KEY is in {server.key_file}.")
    print("scripts/stop ends it." if detach else "Ctrl-C ends it. Warnings follow here:", flush=True)


def follow(server: TorchServeProcess) -> int:
    """Repeat the server's warnings until it ends or we are interrupted. Returns the exit status."""
    try:
        while server.is_running():
            for line in server.new_log_lines():
                print(line, file=sys.stderr, flush=True)
            time.sleep(FOLLOW_SECONDS)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline:
            if ServerRecord.load(RECORD) is None:
                return 0  # scripts/stop has done it
            time.sleep(FOLLOW_SECONDS)
    except KeyboardInterrupt:
        print("Stopping ...", flush=True)
        return 0
    raise ServeError(f"TorchServe ended by itself; {LOGS} may say why")


if __name__ == "__main__":
    sys.exit(main())
