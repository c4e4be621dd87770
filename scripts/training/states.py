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
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from training.settings import TrainingError, TrainingSettings

BEGUN_FILE = "begun.json"
JSON_FILES = ("trainer_state.json", "config.json")
TENSOR_FILES = ("optimizer.pt", "scheduler.pt")
RNG_PATTERN = "rng_state*.pth"


def begin(work: Path, begun: Mapping[str, Any], settings: TrainingSettings, *, restart: bool) -> None:
    """Make the folder of states, or see that it belongs to this very training.

    `begun` holds "settings" and digests of what else the result depends on. Raises TrainingError where the folder's
    differ; `restart` empties it.
    """
    if restart:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, exist_ok=True)
    file = work / BEGUN_FILE
    if not file.exists():
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


def last_whole(work: Path) -> Path | None:
    """Return the newest state that can be gone on from; a half-written one, after a kill, is removed."""
    states = sorted(work.glob(f"{PREFIX_CHECKPOINT_DIR}-*"), key=_step, reverse=True)
    for state in states:
        if _is_whole(state):
            return state
        shutil.rmtree(state)
    return None


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
