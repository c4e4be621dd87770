"""A training's states on disk: the settings it was begun with, and the last one that is whole."""

import json
import pickle
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import TrainerState
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from training.patience import evaluations_without_gain
from training.settings import TrainingError, TrainingSettings

BEGUN_FILE = "begun.json"
STATES = f"{PREFIX_CHECKPOINT_DIR}-*"
STATE_FILE = "trainer_state.json"
JSON_FILES = (STATE_FILE, "config.json")
TENSOR_FILES = ("optimizer.pt", "scheduler.pt")
RNG_PATTERN = "rng_state*.pth"


def begin(work: Path, begun: Mapping[str, Any], settings: TrainingSettings, *, restart: bool) -> None:
    """Make the folder of states, or see that it belongs to this very training.

    `begun` holds "settings" and digests of what else the result depends on. Raises TrainingError where the folder's
    differ; `restart` empties it. States that nothing says the origin of are removed.
    """
    if restart:
        remove(work)
    shutil.rmtree(_removed(work), ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    file = work / BEGUN_FILE
    if not file.exists():
        for state in work.glob(STATES):
            shutil.rmtree(state)
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(begun, indent=1), encoding="utf-8")
        partial.replace(file)
        return
    recorded = json.loads(file.read_text(encoding="utf-8"))
    found = settings.differences(recorded["settings"])
    found += [
        f"{name} was {recorded.get(name)!r} and is {value!r}"
        for name, value in begun.items()
        if name != "settings" and recorded.get(name) != value
    ]
    if found:
        raise TrainingError(
            f"{work} holds an unfinished training with other settings: {'; '.join(found)}. "
            "--restart begins anew, or take another --out"
        )


def remove(work: Path) -> None:
    """Remove the folder of states; killed meanwhile, it leaves no part of it in its place."""
    if work.exists():
        shutil.rmtree(_removed(work), ignore_errors=True)
        work.rename(_removed(work))
    shutil.rmtree(_removed(work), ignore_errors=True)


def last_whole(work: Path) -> Path | None:
    """Return the newest state that can be gone on from; a half-written one, after a kill, is removed.

    It then names its best state by where that lies now: transformers writes an absolute path, and publishes the last
    weights as the best ones where the folder has moved. Raises TrainingError when the best state is not whole.
    """
    states = sorted(work.glob(STATES), key=_step, reverse=True)
    for state in states:
        if _is_whole(state):
            _name_best(state)
            return state
        shutil.rmtree(state)
    return None


def best_whole(work: Path, step: int | None) -> Path:
    """Return the state of the best step. Raises TrainingError when it is missing or cannot be read whole."""
    best = work / f"{PREFIX_CHECKPOINT_DIR}-{step}"
    if step is None or not _is_whole(best):
        raise TrainingError(f"{best}, the best state so far, is missing or damaged: put it back, or --restart")
    return best


def trainer_state(state: Path) -> TrainerState:
    """Return what transformers knew of the training when it wrote a whole state."""
    found: TrainerState = TrainerState.load_from_json(str(state / STATE_FILE))
    return found


def has_ended(known: TrainerState, patience: int) -> bool:
    """Whether nothing is left to train: every step is done, or `patience`, unless 0, had run out."""
    if known.global_step >= known.max_steps:
        return True
    return 0 < patience <= evaluations_without_gain(known.log_history)


def _name_best(state: Path) -> None:
    file = state / STATE_FILE
    content = json.loads(file.read_text(encoding="utf-8"))
    if (step := content.get("best_global_step")) is None:
        return
    best = best_whole(state.parent, step)
    if content.get("best_model_checkpoint") != str(best):
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(content | {"best_model_checkpoint": str(best)}, indent=2), encoding="utf-8")
        partial.replace(file)


def _removed(work: Path) -> Path:
    return work.with_name(f".{work.name}.removed")


def _step(state: Path) -> int:
    return int(state.name.rpartition("-")[2])


def _is_whole(state: Path) -> bool:
    """Whether every file is there and can be read to its end."""
    try:
        for name in JSON_FILES:
            json.loads((state / name).read_text(encoding="utf-8"))
        for name in TENSOR_FILES:
            torch.load(state / name, map_location="cpu", weights_only=True)
        weights = list(state.glob("*.safetensors"))
        for file in weights:
            with safe_open(file, framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118 - no mapping, it has this method alone
                    tensors.get_tensor(name)
        random = list(state.glob(RNG_PATTERN))
        # Their content is pickled NumPy, which is not read here; a zip file's end tells that it is whole.
        return bool(weights) and bool(random) and all(map(zipfile.is_zipfile, random))
    except (OSError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError, SafetensorError):
        return False
