"""States of a training that was killed at a bad moment."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from training.settings import TrainingError, TrainingSettings
from training.states import BEGUN_FILE, begin, last_whole

SETTINGS = TrainingSettings(batch=4)
BEGUN = {"settings": asdict(SETTINGS), "data": "d" * 8, "preprocessing": "p" * 8, "base": "b" * 8}


def state(work: Path, step: int) -> Path:
    folder = work / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": step}))
    (folder / "config.json").write_text("{}")
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
        torch.save({"step": step}, folder / name)
    save_file({"weight": torch.ones(64)}, folder / "model.safetensors")
    return folder


def test_the_newest_whole_state_is_found_by_number_not_by_name(tmp_path):
    for step in (5, 40, 100):
        state(tmp_path, step)
    assert last_whole(tmp_path).name == "checkpoint-100"


def test_without_a_state_there_is_none(tmp_path):
    assert last_whole(tmp_path) is None


@pytest.mark.parametrize(
    "name",
    ["trainer_state.json", "optimizer.pt", "scheduler.pt", "config.json", "rng_state.pth", "model.safetensors"],
)
@pytest.mark.parametrize("way", ["missing", "cut", "empty"])
def test_a_half_written_state_is_removed_and_the_one_before_found(tmp_path, name, way):
    whole, half = state(tmp_path, 10), state(tmp_path, 20)
    file = half / name
    content = file.read_bytes()
    file.unlink()
    if way != "missing":
        file.write_bytes(content[: len(content) // 2] if way == "cut" else b"")
    assert last_whole(tmp_path) == whole
    assert not half.exists()


def test_a_training_begins_once_and_is_recognised(tmp_path):
    work = tmp_path / "mine.work"
    begin(work, BEGUN, SETTINGS, restart=False)
    assert json.loads((work / BEGUN_FILE).read_text()) == BEGUN
    state(work, 10)
    begin(work, BEGUN, SETTINGS, restart=False)
    assert last_whole(work).name == "checkpoint-10"


@pytest.mark.parametrize(
    ("begun", "settings", "message"),
    [
        (BEGUN, TrainingSettings(batch=8), "batch was 4 and is 8"),
        (BEGUN | {"data": "other"}, SETTINGS, "data was 'dddddddd' and is 'other'"),
        (BEGUN | {"base": "other"}, SETTINGS, "base was 'bbbbbbbb' and is 'other'"),
        (BEGUN | {"preprocessing": "other"}, SETTINGS, "preprocessing was 'pppppppp' and is 'other'"),
    ],
)
def test_another_training_is_refused_by_what_differs_and_restart_begins_anew(tmp_path, begun, settings, message):
    work = tmp_path / "mine.work"
    begin(work, BEGUN, SETTINGS, restart=False)
    state(work, 10)
    with pytest.raises(TrainingError, match=message):
        begin(work, begun, settings, restart=False)
    assert last_whole(work) is not None
    begin(work, begun, settings, restart=True)
    assert last_whole(work) is None
