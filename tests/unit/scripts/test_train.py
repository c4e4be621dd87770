"""The command from end to end, on a model of two small layers: killed, gone on with, and refused."""

import csv
import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import fields
from pathlib import Path

import pytest
import torch

import train
from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG
from dataset.example import PreparedDataset, index_csv
from evaluation.labelled_files import of_examples
from evaluation.predicting import predict
from evaluation.scorers import CheckpointScorer
from labelled_pictures import write_labelled
from lowering.plan import Plan
from training.settings import TrainingSettings
from trust_nsfw.preprocess import PreprocessingSpec

SCRIPTS = HANDLER.parent / "scripts"
PICTURES, SIDE_PX = 200, 40
LEAST_RIGHT = 0.75  # after these few steps; by chance a fifth
QUICK = ("--learning-rate", "2e-3", "--batch", "16", "--epochs", "2", "--workers", "0", "--patience", "0")


@pytest.fixture(autouse=True)
def _restored(monkeypatch):
    """What the command sets for its whole process is set back."""
    threads = torch.get_num_threads()
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "")
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def prepared(tiny_checkpoint, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_labelled(folder / "pictures", PICTURES, seed=6, side_px=SIDE_PX)
    command = [sys.executable, SCRIPTS / "prepare_data.py", folder / "pictures", "--out", folder / "prepared"]
    command += ["--preprocessing", tiny_checkpoint]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / "prepared"


def command(data: Path, base: Path, out: Path, *more: str) -> list[str]:
    return ["--data", str(data), "--base", str(base), "--out", str(out), *QUICK, *more]


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPTS / "train.py", *arguments], check=False, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def trained(prepared, tiny_checkpoint, tmp_path_factory) -> tuple[Path, str]:
    """A training that was killed with one whole state at least, then gone on with: its checkpoint, what it said."""
    out = tmp_path_factory.mktemp("models") / "mine"
    arguments = command(prepared, tiny_checkpoint, out, "--evaluations-per-epoch", "2", "--epochs", "4")
    first = subprocess.Popen(
        [sys.executable, SCRIPTS / "train.py", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while len(list(out.with_name("mine.work").glob("checkpoint-*"))) < 2:
            assert first.poll() is None, "it ended before it could be killed"
            time.sleep(0.002)
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert not out.exists()
    again = run(arguments)
    assert again.returncode == 0, again.stderr
    return out, again.stdout + again.stderr


def test_a_killed_training_goes_on_and_ends_with_a_whole_checkpoint(trained):
    out, said = trained
    assert {file.name for file in out.iterdir()} == {
        *("config.json", "model.safetensors", "preprocessor_config.json", "preprocessing.json", "source.json"),
        *("run_card.json", "run_card.md", "curves.png", "tensorboard"),
    }
    assert list((out / "tensorboard").glob("events.out.tfevents.*"))
    card = json.loads((out / "run_card.json").read_text())
    assert card["settings"]["epochs"] == 4
    evaluated = [one["step"] for one in card["history"] if "eval_selection" in one]
    assert evaluated == sorted(set(evaluated))
    assert len(evaluated) == 8
    best = max(one["eval_selection"] for one in card["history"] if "eval_selection" in one)
    assert card["best"]["selection"] == best
    assert not out.with_name("mine.work").exists()
    assert "going on from checkpoint-" in said
    assert card["resumed"] is True
    assert f"holds the checkpoint of step {card['best']['step']}" in said


def test_without_a_terminal_it_says_a_line_per_evaluation_and_nothing_more(trained):
    lines = trained[1].splitlines()
    evaluations = [line for line in lines if line.startswith("epoch ")]
    assert 1 <= len(evaluations) <= 8
    assert all("accuracy" in line and "recall of explicit" in line for line in evaluations)
    assert len(lines) <= len(evaluations) + 2, lines


def test_it_learned_and_can_be_served(trained, prepared, tmp_path):
    out, _ = trained
    data = PreparedDataset.read(prepared)
    predictions = predict(of_examples(data, data.of_split("train")), CheckpointScorer(out))
    right = sum(max(one.scores, key=one.scores.get) == one.label for one in predictions)
    assert right > LEAST_RIGHT * len(predictions), right / len(predictions)
    recorded = json.loads((out / "preprocessing.json").read_text())
    assert recorded == PreprocessingSpec.load(out).record
    archive = tmp_path / "store/nsfw.mar"
    build(out, HANDLER / MODEL_CONFIG, archive, plan=Plan(precision="none"))
    with zipfile.ZipFile(archive) as content:
        assert not [name for name in content.namelist() if "tensorboard" in name or "run_card" in name]


def test_a_data_card_of_other_preprocessing_is_warned_of(prepared, tiny_checkpoint, tmp_path):
    spec, data = PreprocessingSpec.load(tiny_checkpoint), PreparedDataset.read(prepared)
    assert train.preprocessing_doubt(data, spec, "base") is None
    other = PreparedDataset(tmp_path, data.examples)
    assert train.preprocessing_doubt(other, spec, "base") is None, "it has no card"
    (tmp_path / "card.json").write_text(json.dumps({"preprocessing": {"fingerprint": "f" * 64}}))
    said = train.preprocessing_doubt(other, spec, "base")
    assert f"records the preprocessing ffffffffffff..., and base has {spec.fingerprint[:12]}" in said


def test_every_option_says_what_it_is_and_its_default(capsys):
    with pytest.raises(SystemExit) as end:
        train.main(["--help"])
    assert end.value.code == 0
    said = "".join(capsys.readouterr().out.split())
    for setting in fields(TrainingSettings):
        assert len(setting.metadata["help"]) > 10
        assert f"{setting.metadata['help']}(default:{setting.default}".replace(" ", "") in said
    assert "published,whichleavesoutwhatthepublishedmodel'spagedoesnotname" in said


def test_what_is_there_already_is_not_trained_over(trained, prepared, tiny_checkpoint, capsys):
    assert train.main(command(prepared, tiny_checkpoint, trained[0])) == 1
    assert "is there already; take another --out, or --replace it" in capsys.readouterr().err


def test_an_unfinished_training_with_other_settings_is_not_gone_on_with(prepared, tiny_checkpoint, tmp_path, capsys):
    work = tmp_path / "mine.work"
    work.mkdir()
    settings = {"learning_rate": 0.5}
    (work / "begun.json").write_text(json.dumps({"settings": settings, "data": "other"}))
    assert train.main(command(prepared, tiny_checkpoint, tmp_path / "mine")) == 1
    said = capsys.readouterr().err
    assert "holds an unfinished training with other settings" in said
    assert "learning_rate was 0.5 and is 0.002" in said
    assert "data was 'other'" in said


def test_a_class_without_training_images_is_refused(prepared, tiny_checkpoint, tmp_path, capsys):
    data = PreparedDataset.read(prepared)
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    (lacking / "images").symlink_to(prepared / "images")
    kept = [one for one in data.examples if one.label != "hentai" or one.split != "train"]
    (lacking / "index.csv").write_text(index_csv(kept))
    assert train.main(command(lacking, tiny_checkpoint, tmp_path / "mine")) == 1
    assert "the training split has no image of class hentai" in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


def test_a_data_set_without_validation_images_is_refused(prepared, tiny_checkpoint, tmp_path, capsys):
    with (prepared / "index.csv").open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["split"] != "validation"]
    folder = tmp_path / "data"
    folder.mkdir()
    with (folder / "index.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    assert train.main(command(folder, tiny_checkpoint, tmp_path / "mine")) == 1
    assert "split validation is empty" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--epochs", "0"], "epochs is 0.0; it must be more than 0"),
        (["--label-smoothing", "1"], "label_smoothing is 1.0"),
        (["--threads", "0"], "--threads must be at least 1"),
        (["--loss", "hinge"], "invalid choice"),
    ],
)
def test_wrong_usage_ends_with_2(more, message, capsys):
    with pytest.raises(SystemExit) as end:
        train.main(["--data", "a", "--out", "b", *more])
    assert end.value.code == 2
    assert message in capsys.readouterr().err


def test_two_processes_on_a_cpu_share_the_steps_and_leave_one_result(prepared, tiny_checkpoint, tmp_path):
    out = tmp_path / "mine"
    together = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = command(prepared, tiny_checkpoint, out, "--epochs", "1", "--keep-states")
    done = subprocess.run(
        [*together, SCRIPTS / "train.py", *arguments], check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("holds the checkpoint of step") == 1
    card = json.loads((out / "run_card.json").read_text())
    images = card["data"]["train"]
    assert card["processes"] == 2
    assert card["best"]["step"] == -(-images // 32)  # 16 images each
    assert json.loads((tmp_path / "mine.work/begun.json").read_text())["processes"] == 2
    out.rename(tmp_path / "first")
    alone = run(arguments)  # with batches of half the size it would not be the same training
    assert alone.returncode == 1
    assert "processes was 2 and is 1" in alone.stderr


def test_a_cpu_trains_in_bf16_and_a_training_that_ended_is_only_put_in_place(prepared, tiny_checkpoint, tmp_path):
    out = tmp_path / "mine"
    arguments = command(prepared, tiny_checkpoint, out, "--epochs", "1", "--precision", "bf16", "--keep-states")
    first = run(arguments)
    assert first.returncode == 0, first.stderr
    weights = (out / "model.safetensors").read_bytes()
    moved = tmp_path / "moved/mine"
    moved.parent.mkdir()
    out.with_name("mine.work").rename(moved.with_name("mine.work"))
    out.rename(tmp_path / "first")
    again = run([str(moved) if one == str(out) else one for one in arguments])
    assert again.returncode == 0, again.stderr
    assert "it had ended there and is only put in place" in again.stdout
    assert (moved / "model.safetensors").read_bytes() == weights


def test_a_training_that_diverges_says_so(prepared, tiny_checkpoint, tmp_path):
    done = run(command(prepared, tiny_checkpoint, tmp_path / "mine", "--learning-rate", "1e38", "--epochs", "1"))
    assert done.returncode == 1
    assert "train: diverged at step " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_an_image_that_has_changed_stops_the_training_by_its_name(prepared, tiny_checkpoint, tmp_path, when):
    data = PreparedDataset.read(prepared)
    folder = tmp_path / "data"
    shutil.copytree(prepared, folder)
    file = folder / data.of_split("validation")[0].file
    file.unlink()
    file.write_bytes(b"no image")
    arguments = command(folder, tiny_checkpoint, tmp_path / "mine", "--workers", "1")
    if when == "before":
        done = run(arguments)
    else:  # the index agrees, as if it had been whole when the training began
        index = folder / "index.csv"
        wrong = hashlib.sha256(b"no image").hexdigest()
        index.write_text(index.read_text().replace(f",{data.of_split('validation')[0].sha256},", f",{wrong},"))
        done = run(arguments)
    assert done.returncode == 1
    assert done.stderr.startswith(f"train: {file} ")
    assert done.stderr.count("\n") == 1
