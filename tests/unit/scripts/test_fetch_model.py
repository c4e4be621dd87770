"""The command: what it puts at the destination, what it leaves alone, and how it says no."""

import fcntl
import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import ViTConfig

import fetch_model
from model_sources import random_vit, starter
from model_sources.record import SourceRecord
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.temperature import read_temperature

TINY = ViTConfig(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8
)
FILES = ("config.json", "model.safetensors", "preprocessing.json", "preprocessor_config.json", "source.json")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A checkpoint of one's own: it has no source.json."""
    directory = tmp_path / "mine"
    directory.mkdir()
    random_vit.write(directory, TINY)
    (directory / "source.json").unlink()
    return directory


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fetch_model, "MODELS", tmp_path / "models")
    return tmp_path / "models"


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def break_labels(directory: Path) -> None:
    config = json.loads((directory / "config.json").read_text())
    config["id2label"]["0"] = "landscape"
    (directory / "config.json").write_text(json.dumps(config))


def test_a_local_checkpoint_is_copied_under_its_own_name_without_what_is_not_needed(mine: Path, models: Path) -> None:
    (mine / "optimizer.pt").write_bytes(b"not needed")
    (mine / "LICENSE").write_text("MIT")
    assert fetch_model.main([str(mine)]) == 0
    fetched = contents(models / "mine")
    assert sorted(fetched) == ["LICENSE", *FILES]
    assert fetched["model.safetensors"] == (mine / "model.safetensors").read_bytes()
    assert SourceRecord.read(models / "mine") == SourceRecord("mine", weights="trained")
    assert [entry.name for entry in models.iterdir()] == ["mine"]


def test_the_record_of_a_checkpoint_travels_with_it(mine: Path, models: Path) -> None:
    record = SourceRecord("owner/model", revision="abc", weights="random", license="mit")
    record.write(mine)
    assert fetch_model.main([str(mine)]) == 0
    assert SourceRecord.read(models / "mine") == record


def test_the_temperature_and_the_recorded_preprocessing_travel_too(mine: Path, models: Path) -> None:
    record = PreprocessingSpec.load(mine).record | {"note": "written by whoever trained it"}
    (mine / "preprocessing.json").write_text(json.dumps(record))
    (mine / "calibration.json").write_text('{"temperature": 1.75}')
    assert fetch_model.main([str(mine)]) == 0
    assert sorted(contents(models / "mine")) == sorted((*FILES, "calibration.json"))
    assert read_temperature(models / "mine") == 1.75
    assert json.loads((models / "mine/preprocessing.json").read_text()) == record


def test_a_checkpoint_without_recorded_preprocessing_gets_it_recorded(mine: Path, models: Path, capsys) -> None:
    assert fetch_model.main([str(mine)]) == 0
    fetched = models / "mine"
    assert json.loads((fetched / "preprocessing.json").read_text()) == PreprocessingSpec.load(mine).record
    config = json.loads((fetched / "preprocessor_config.json").read_text()) | {"image_mean": [0.1, 0.1, 0.1]}
    (fetched / "preprocessor_config.json").write_text(json.dumps(config))
    assert fetch_model.main([str(fetched), "--out", str(models / "changed")]) == 5
    assert "mean was [0.5, 0.5, 0.5] and is [0.1, 0.1, 0.1]" in capsys.readouterr().err


def test_a_temperature_that_is_none_is_refused(mine: Path, models: Path, capsys) -> None:
    (mine / "calibration.json").write_text('{"temperature": 0}')
    assert fetch_model.main([str(mine)]) == 5
    assert "calibration.json: temperature 0 is not a number from 0.05 to 20" in capsys.readouterr().err


def test_links_are_followed_so_that_the_copy_stands_alone(mine: Path, models: Path, tmp_path: Path) -> None:
    (mine / "model.safetensors").rename(tmp_path / "blob")
    (mine / "model.safetensors").symlink_to(tmp_path / "blob")
    assert fetch_model.main([str(mine)]) == 0
    assert not (models / "mine/model.safetensors").is_symlink()


def test_a_pickled_checkpoint_becomes_the_same_one_in_safetensors(mine: Path, models: Path) -> None:
    weights = load_file(mine / "model.safetensors")
    torch.save(weights, mine / "pytorch_model.bin")
    (mine / "model.safetensors").unlink()
    assert fetch_model.main([str(mine)]) == 0
    assert sorted(contents(models / "mine")) == sorted(FILES)
    found = load_file(models / "mine/model.safetensors")
    assert all(torch.equal(found[name], weight) for name, weight in weights.items())


def test_a_checkpoint_that_is_there_is_left_as_it_is(mine: Path, models: Path, capsys) -> None:
    assert fetch_model.main([str(mine)]) == 0
    before = (models / "mine").stat().st_ino, contents(models / "mine")
    (mine / "model.safetensors").unlink()
    assert fetch_model.main([str(mine)]) == 0
    assert ((models / "mine").stat().st_ino, contents(models / "mine")) == before
    assert capsys.readouterr().out.count("holds mine: trained weights") == 2


def test_force_replaces_what_is_there(mine: Path, models: Path) -> None:
    assert fetch_model.main([str(mine)]) == 0
    random_vit.write(mine, TINY, seed=5)
    (mine / "source.json").unlink()
    assert fetch_model.main([str(mine), "--force"]) == 0
    assert contents(models / "mine")["model.safetensors"] == (mine / "model.safetensors").read_bytes()
    assert [entry.name for entry in models.iterdir()] == ["mine"]


def test_a_refused_replacement_leaves_the_old_checkpoint_and_nothing_else(mine: Path, models: Path, capsys) -> None:
    assert fetch_model.main([str(mine)]) == 0
    before = contents(models / "mine")
    break_labels(mine)
    assert fetch_model.main([str(mine), "--force"]) == fetch_model.CHECKPOINT_REFUSED
    complaint = f"fetch_model: {mine} is refused: config.json: the labels are landscape"
    assert capsys.readouterr().err.startswith(complaint)
    assert contents(models / "mine") == before
    assert [entry.name for entry in models.iterdir()] == ["mine"]


def test_another_checkpoint_at_the_destination_is_not_taken_for_the_wanted_one(
    mine: Path, models: Path, tmp_path: Path, capsys
) -> None:
    SourceRecord("owner/mine").write(mine)
    namesake = tmp_path / "elsewhere/mine"
    shutil.copytree(mine, namesake)
    SourceRecord("other/mine").write(namesake)
    assert fetch_model.main([str(mine)]) == 0
    assert fetch_model.main([str(namesake)]) == fetch_model.WRONG_USAGE
    assert "holds owner/mine" in capsys.readouterr().err
    assert fetch_model.main([str(namesake), "--force"]) == 0
    assert SourceRecord.read(models / "mine").checkpoint == "other/mine"


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_destination_that_is_no_checkpoint_is_never_touched(force: list[str], mine: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "letter.txt").write_text("dear")
    assert fetch_model.main([str(mine), "--out", str(home), *force]) == fetch_model.WRONG_USAGE
    assert contents(home) == {"letter.txt": b"dear"}


def test_an_empty_destination_is_filled(mine: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert fetch_model.main([str(mine), "--out", str(tmp_path / "empty")]) == 0
    assert sorted(contents(tmp_path / "empty")) == sorted(FILES)


def test_what_a_killed_fetch_left_is_cleared(mine: Path, models: Path) -> None:
    (models / ".mine.partial").mkdir(parents=True)
    (models / ".mine.partial/half.safetensors").write_bytes(b"half")
    assert fetch_model.main([str(mine)]) == 0
    assert sorted(contents(models / "mine")) == sorted(FILES)
    assert [entry.name for entry in models.iterdir()] == ["mine"]


def test_a_replacement_that_was_killed_between_its_two_renames_is_undone(mine: Path, models: Path) -> None:
    assert fetch_model.main([str(mine)]) == 0
    before = contents(models / "mine")
    (models / "mine").rename(models / ".mine.old")
    break_labels(mine)
    assert fetch_model.main([str(mine)]) == 0
    assert contents(models / "mine") == before


def test_a_second_fetch_waits_for_the_first_and_finds_it_done(mine: Path, models: Path) -> None:
    models.mkdir()
    first = os.open(models, os.O_RDONLY)
    fcntl.flock(first, fcntl.LOCK_EX)
    statuses: list[int] = []
    second = threading.Thread(target=lambda: statuses.append(fetch_model.main([str(mine)])))
    second.start()
    time.sleep(0.3)
    assert not (models / "mine").exists()
    shutil.copytree(mine, models / "mine")
    done = (models / "mine").stat()
    os.close(first)
    second.join()
    assert statuses == [0]
    assert (models / "mine").stat() == done


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no/such/place"], "neither a directory here nor the id of a model"),
        (["./nowhere"], "neither a directory here nor the id of a model"),
        (["starter", "--revision", "main"], "--revision is for models on a hub"),
    ],
)
def test_arguments_that_name_nothing_are_wrong_usage(
    arguments: list[str], complaint: str, models: Path, capsys
) -> None:
    assert fetch_model.main(arguments) == fetch_model.WRONG_USAGE
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 1
    assert complaint in errors[0]
    assert not models.exists()


@pytest.mark.parametrize(
    ("source", "name", "checkpoint"),
    [
        ("trust", "trust", "Sagnikroy/TRUST-NSFW-Soft-V1"),
        ("starter", "starter", starter.SOURCE.checkpoint),
        ("random-vit", "random-vit", random_vit.CHECKPOINT),
        ("owner/model", "model", "owner/model"),
    ],
)
def test_every_source_knows_its_name_and_the_id_its_record_will_bear(source: str, name: str, checkpoint: str) -> None:
    resolved = fetch_model.resolve(source, None)
    assert (resolved.name, resolved.checkpoint) == (name, checkpoint)


def test_a_disk_that_refuses_is_one_sentence(mine: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("in the way")
    assert fetch_model.main([str(mine), "--out", str(tmp_path / "file/models/mine")]) == fetch_model.FAILED
    assert len(capsys.readouterr().err.splitlines()) == 1
