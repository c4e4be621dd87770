#!/usr/bin/env python3
"""Train a classifier of the five classes on a prepared data set, from a base checkpoint to one that can be served.

    python scripts/train.py --data data/nsfw --out models/mine
    python scripts/train.py --data data/nsfw --out models/mine --recipe published     as the published model was
    torchrun --nproc-per-node 4 scripts/train.py --data data/nsfw --out models/mine   on four GPUs

The same command goes on where it stopped, after a kill at any moment; states and TensorBoard logs lie in OUT.work
meanwhile (`tensorboard --logdir OUT.work`), and the logs in OUT/tensorboard afterwards (`tensorboard --logdir OUT`).
The checkpoint is chosen on the validation split, by the recall of porn and hentai at a fixed false-positive rate and by
calibration. OUT then holds what scripts/build_archive.py takes, with run_card.md and curves.png. The test split is not
looked at: that is for scripts/evaluate.py.

Exit status: 0 trained, 1 failed, 2 wrong usage, 130 interrupted; the same command goes on.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, set_seed
from transformers.utils import logging

from dataset.example import DatasetError, PreparedDataset
from model_sources.errors import FetchError
from training import base, result, states
from training.processes import process_count, refuse_idle_gpus
from training.run_card import versions
from training.selection import SELECTION, Diverged
from training.settings import CHOICES, PUBLISHED, TrainingError, TrainingSettings
from training.threads import threads_for
from training.trainer import TENSORBOARD_FOLDER, trainer_of
from trust_nsfw.checkpoint import weights_sha256
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import GROUPS

ROOT = Path(__file__).resolve().parent.parent
BASES = ROOT / "models/bases"
FAILED, INTERRUPTED = 1, 130
MOST_WORKERS = 8


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, having said on stderr why it is not 0."""
    options, settings = parse_arguments(arguments)
    try:
        train(options, settings)
    except (TrainingError, DatasetError, FetchError, CheckpointError, OSError) as error:
        print(f"train: {sentence(error)}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("train: interrupted; the same command goes on from the last state", file=sys.stderr)
        return INTERRUPTED
    return 0


def train(options: argparse.Namespace, settings: TrainingSettings) -> None:
    """Train from the base or from the last whole state, then put the chosen checkpoint in place."""
    out, work = options.out.resolve(), options.out.resolve().with_name(f"{options.out.name}.work")
    if out.exists() and not options.replace:
        raise TrainingError(f"{out} is there already; take another --out, or --replace it")
    refuse_idle_gpus(torch.cuda.device_count())
    data = PreparedDataset.read(options.data)
    directory = base.base_directory(settings.base, BASES)
    spec = PreprocessingSpec.load(directory)
    begun = {
        "settings": asdict(settings),
        "data": data.fingerprint,
        "preprocessing": spec.fingerprint,
        "base": weights_sha256(directory),
        "processes": process_count(),  # each takes `batch` images a step
    }
    is_first = int(os.environ.get("RANK", "0")) == 0  # of the processes of a torchrun
    if is_first:
        states.begin(work, begun, settings, restart=options.restart)
        if doubt := preprocessing_doubt(data, spec, settings.base):
            print(f"WARNING: {doubt}", file=sys.stderr)
    set_seed(settings.seed)
    model = base.load(directory, settings.seed)
    torch.set_num_threads(threads_for(model, options.threads))
    trainer = trainer_of(data, spec, model, settings, work, workers=options.workers)
    with trainer.args.main_process_first(local=False, desc="find the last state"):  # which may remove broken ones
        if is_first:
            data.require_unchanged("train", "validation")
        state = states.last_whole(work)
    if state is not None and trainer.is_world_process_zero():
        print(f"going on from {state.name}", flush=True)
    started = time.time()
    logging.set_verbosity_error()  # it compares shares of steps with the numbers they became, and warns on resuming
    if state is not None and states.has_ended(known := states.trainer_state(state), settings.patience):
        trainer.state = known
        print("it had ended there and is only put in place", flush=True)
    else:
        try:
            trainer.train(resume_from_checkpoint=None if state is None else str(state))
        except Diverged as error:
            raise TrainingError(f"diverged at step {trainer.state.global_step}: {error}") from None
    trainer.accelerator.wait_for_everyone()  # others still read the states
    if not trainer.is_world_process_zero():
        return
    best_state = states.best_whole(work, trainer.state.best_global_step)
    card = card_of(trainer, settings, data, out.name, started=started, resumed=state is not None)
    card |= {
        "base": settings.base,
        "base_revision": base.revision_of(directory),
        "preprocessing": spec.fingerprint,
        "revision": data.fingerprint[:12],
    }
    result.write(
        out,
        base.load(best_state, settings.seed),
        directory,
        spec,
        card,
        logs=work / TENSORBOARD_FOLDER,
    )
    if not options.keep_states:
        states.remove(work)
    best = card["best"]
    print(f"{out} holds the checkpoint of step {best['step']}: selection {best['selection']:.4f}; see run_card.md")


def sentence(error: Exception) -> str:
    """Return an error's own words; one from a process that decodes comes within that one's traceback."""
    text = str(error).strip()
    return text.splitlines()[-1].partition(": ")[2] if text.startswith("Caught ") else text


def preprocessing_doubt(data: PreparedDataset, spec: PreprocessingSpec, name: str) -> str | None:
    """Say so where the data card records other preprocessing than the base has; None where it is the same, or none."""
    recorded = data.recorded_preprocessing
    if recorded is None or recorded == spec.fingerprint:
        return None
    return (
        f"the card of {data.folder} records the preprocessing {recorded[:12]}..., and {name} has "
        f"{spec.fingerprint[:12]}..., which this training and its checkpoint take; "
        f"prepare_data.py --preprocessing {name} (a directory) brings the card up"
    )


def card_of(
    trainer: Trainer, settings: TrainingSettings, data: PreparedDataset, name: str, *, started: float, resumed: bool
) -> dict[str, Any]:
    """Return what run_card.json holds of a training that has ended."""
    state = trainer.state
    validation = data.of_split("validation")
    explicit = sum(one.label in GROUPS["explicit"] for one in validation)
    evaluations = [one for one in state.log_history if f"eval_{SELECTION}" in one]
    best = max(evaluations, key=lambda one: one[f"eval_{SELECTION}"])
    stopped_early = state.global_step < state.max_steps
    return {
        "name": name,
        "started_utc": f"{datetime.fromtimestamp(started, UTC):%Y-%m-%d %H:%M} UTC",
        "seconds": time.time() - started,
        "resumed": resumed,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "processes": trainer.args.world_size,
        "settings": asdict(settings),
        "data": {
            "folder": data.folder.name,
            "fingerprint": data.fingerprint,
            "train": len(data.of_split("train")),
            "validation": len(validation),
            "validation_explicit": explicit,
            "validation_others": len(validation) - explicit,
        },
        "best": {"step": best["step"], "epoch": best["epoch"], "selection": best[f"eval_{SELECTION}"], **best},
        "ended": f"Ended after step {state.global_step} of {state.max_steps}"
        + (f", {settings.patience} evaluations without a better one." if stopped_early else "."),
        "history": state.log_history,
        "versions": versions(),
    }


def parse_arguments(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, TrainingSettings]:
    """Read the command line; leaves with status 2 where it makes no sense."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that scripts/prepare_data.py made")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint directory to make")
    parser.add_argument(
        "--recipe",
        choices=("ours", "published"),
        default="ours",
        help="defaults of the settings below: ours (the default), or published, which leaves out what the "
        "published model's page does not name: class weights, smoothing, augmentation, warm-up, early "
        "stopping, and the choice by recall",
    )
    for field in fields(TrainingSettings):
        kind = type(field.default)
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            type=kind,
            choices=CHOICES.get(field.name),
            help=f"{field.metadata['help']} (default: {field.default}"
            + (f"; published recipe: {PUBLISHED[field.name]})" if field.name in PUBLISHED else ")"),
        )
    parser.add_argument("--workers", type=int, help="processes that decode (default: one per core, at most 8)")
    parser.add_argument("--threads", type=int, help="of torch (default: 1 for a small model, else one per core)")
    parser.add_argument("--restart", action="store_true", help="throw an unfinished training away and begin anew")
    parser.add_argument("--replace", action="store_true", help="replace what is at --out")
    parser.add_argument("--keep-states", action="store_true", help="keep OUT.work: the states, optimizer included")
    options = parser.parse_args(arguments)
    if options.workers is None:
        options.workers = min(os.cpu_count() or 1, MOST_WORKERS)
    if options.workers < 0 or (options.threads is not None and options.threads < 1):
        parser.error("--workers must not be negative, --threads must be at least 1")
    given = {field.name: getattr(options, field.name) for field in fields(TrainingSettings)}
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return options, TrainingSettings(**(dict(PUBLISHED) if options.recipe == "published" else {}) | chosen)
    except TrainingError as error:
        parser.error(str(error))


if __name__ == "__main__":
    sys.exit(main())
