"""States of a training that was killed at a bad moment."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import TrainerState

from training.settings import TrainingError, TrainingSettings
from training.states import BEGUN_FILE, begin, best_whole, has_ended, last_whole, remove

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


def test_states_of_unknown_origin_are_not_gone_on_from(tmp_path):
    work = tmp_path / "mine.work"
    state(work, 10)  # of a folder that was being removed when its process was killed
    begin(work, BEGUN, SETTINGS, restart=False)
    assert last_whole(work) is None


def test_a_folder_is_out_of_its_place_before_its_files_go(tmp_path, monkeypatch):
    work = tmp_path / "mine.work"
    begin(work, BEGUN, SETTINGS, restart=False)
    state(work, 10)
    monkeypatch.setattr("shutil.rmtree", lambda *_, **__: None)  # as when killed at once
    remove(work)
    assert not work.exists()
    monkeypatch.undo()
    begin(work, BEGUN, SETTINGS, restart=False)
    assert last_whole(work) is None
    assert [file.name for file in tmp_path.iterdir()] == ["mine.work"]


def known(folder: Path, **content) -> Path:
    (folder / "trainer_state.json").write_text(json.dumps(content))
    return folder


def test_where_the_folder_has_moved_the_best_state_is_named_by_where_it_lies_now(tmp_path):
    best, last = state(tmp_path, 10), state(tmp_path, 20)
    known(last, global_step=20, best_global_step=10, best_model_checkpoint="/gone/mine.work/checkpoint-10")
    assert last_whole(tmp_path) == last
    assert json.loads((last / "trainer_state.json").read_text())["best_model_checkpoint"] == str(best)


@pytest.mark.parametrize("way", ["missing", "cut"])
def test_a_best_state_that_is_not_whole_is_an_error(tmp_path, way):
    best, last = state(tmp_path, 10), state(tmp_path, 20)
    known(last, global_step=20, best_global_step=10, best_model_checkpoint=str(best))
    if way == "missing":
        best.rename(tmp_path / "elsewhere")
    else:
        (best / "model.safetensors").write_bytes(b"")
    for find in (lambda: last_whole(tmp_path), lambda: best_whole(tmp_path, 10)):
        with pytest.raises(TrainingError, match="checkpoint-10, the best state so far, is missing or damaged"):
            find()


@pytest.mark.parametrize(
    ("step", "selections", "patience", "ended"),
    [
        (30, [0.5, 0.4, 0.3], 2, True),
        (30, [0.5, 0.4, 0.3], 3, False),
        (30, [0.5, 0.4, 0.3], 0, False),
        (30, [0.3, 0.4, 0.5], 1, False),
        (100, [0.3, 0.4, 0.5], 1, True),
        (1, [], 1, False),
    ],
)
def test_a_training_that_had_stopped_is_known_as_ended(step, selections, patience, ended):
    history = [{"eval_selection": one} for one in selections]
    assert has_ended(TrainerState(global_step=step, max_steps=100, log_history=history), patience) is ended
