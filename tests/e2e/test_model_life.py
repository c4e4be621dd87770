"""A model's whole life on generated pictures: prepared, trained, killed, gone on with, calibrated, evaluated, audited,
tuned, built, served. Every step is the command that docs/training.md gives.
"""

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import ViTConfig

from evaluation.prediction import read_predictions
from labelled_pictures import write_labelled
from model_sources import random_vit
from server import prepare_server
from serving.torchserve_process import TorchServeProcess
from trust_nsfw.policy import decide
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.schema import LABELS, Action, Scores

ROOT = Path(__file__).resolve().parents[2]
IMAGES = 2000
LEAST_ACCURACY = 0.95
EPOCHS = "10"
BASE = ViTConfig(
    hidden_size=48, num_hidden_layers=2, num_attention_heads=2, intermediate_size=96, image_size=32, patch_size=8
)
TOO_SURE = 6.0
SWAPPED_EVERY = 50
STEP_SECONDS = 600
CORRUPT = "neutral/cut.jpg"


@dataclass(frozen=True)
class Life:
    """What the steps left behind, and what the second training, after the kill, said."""

    raw: Path
    data: Path
    model: Path
    resumed: str
    evaluation: Path
    audit: Path
    tuned: Path


def script(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / name, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=STEP_SECONDS, check=False)
    assert done.returncode == 0, (name, done.stdout[-2000:], done.stderr[-2000:])
    return done


def plant_faults(raw: Path) -> None:
    """A file that can't be read, near-duplicates of five pictures, one under another label, and pictures swapped."""
    for index, file in enumerate(sorted(raw.rglob("*.*"))):
        if index % SWAPPED_EVERY == SWAPPED_EVERY // 2:
            other = LABELS[(LABELS.index(file.parent.name) + 2) % len(LABELS)]
            file.rename(raw / other / f"swapped-{file.name}")
    photo = sorted((raw / "neutral").glob("*.jpg"))[0]
    (raw / CORRUPT).write_bytes(photo.read_bytes()[:400])
    for label in LABELS:
        original = sorted((raw / label).glob("*.png"))[0]
        with Image.open(original) as image:
            image.convert("RGB").save(raw / label / f"again-{original.stem}.jpg", quality=60)
    wrong = sorted((raw / "porn").glob("*.png"))[1]
    with Image.open(wrong) as image:
        image.convert("RGB").save(raw / "drawing" / "twin.jpg", quality=70)


def train_killed_in_the_middle(command: list[str | Path], work: Path) -> None:
    """Start a training and kill it, without a warning, once it has left a state."""
    with subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as training:
        deadline = time.monotonic() + STEP_SECONDS
        while not list(work.glob("checkpoint-*/trainer_state.json")):
            assert training.poll() is None, "the training ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        training.send_signal(signal.SIGKILL)


def make_over_confident(model: Path) -> None:
    """Four times the logits: the same labels, far too sure of them."""
    file = model / "model.safetensors"
    weights = load_file(file)
    for name in ("classifier.weight", "classifier.bias"):
        weights[name] = weights[name] * TOO_SURE
    save_file(weights, file, metadata={"format": "pt"})


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("life")
    raw = write_labelled(folder / "raw", IMAGES, seed=1)
    plant_faults(raw)
    base = folder / "base"
    base.mkdir()
    random_vit.write(base, BASE)
    data, model, evaluation = folder / "data", folder / "model", folder / "evaluation"
    script("prepare_data.py", raw, "--out", data, "--preprocessing", base)
    arguments = ["--data", data, "--out", model, "--base", base, "--epochs", EPOCHS, "--learning-rate", "2e-3"]
    arguments += ["--batch", "32", "--workers", "0", "--patience", "0"]
    train_killed_in_the_middle([ROOT / "scripts/train.py", *arguments], folder / "model.work")
    assert not model.exists()
    resumed = script("train.py", *arguments).stdout
    make_over_confident(model)
    script("calibrate.py", "--model", model, "--data", data)
    evaluate = ["--data", data, "--robustness-images", "40"]
    script("evaluate.py", "--model", model, *evaluate, "--out", evaluation)
    script("audit_errors.py", evaluation, "--data", data, "--out", folder / "audit")
    tuning = ["--recall-target", "0.9", "--base-rate", "explicit=0.05", "--blur-precision", "0.5", "--aim", "observed"]
    script("tune_thresholds.py", evaluation, *tuning, "--out", folder / "tuned", "--name", "tuned")
    return Life(raw, data, model, resumed, evaluation, folder / "audit", folder / "tuned")


@pytest.fixture(scope="module")
def served(life: Life, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchServeProcess]:
    """The trained model in fp32, so that scores can be compared tightly."""
    settings = {"precision: auto": "precision: fp32"}
    with prepare_server(tmp_path_factory.mktemp("served"), life.model, settings) as running:
        running.wait_until_ready()
        yield running


def assert_is_picture(file: Path) -> None:
    """A whole picture with something drawn on it."""
    with Image.open(file) as image:
        assert min(image.size) > 200
        assert len(image.convert("RGB").resize((64, 64)).getcolors(4096) or ()) > 16, file


def test_faults_in_the_data_are_found(life: Life):
    with (life.data / "quarantine.csv").open() as file:
        assert [row["name"] for row in csv.DictReader(file)] == [CORRUPT]
    with (life.data / "index.csv").open() as file:
        rows = list(csv.DictReader(file))
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row["group"], set()).add(row["split"])
    assert all(len(of_group) == 1 for of_group in splits.values()), "near-duplicates cross splits"
    assert len(splits) <= len(rows) - len(LABELS) - 1, "the copies were not grouped"
    assert sum(row["conflicting"] == "True" for row in rows) >= 2
    card = json.loads((life.data / "card.json").read_text())
    assert card["quarantined"]["images"] == 1
    assert card["fingerprint"] in (life.data / "card.md").read_text()
    assert_is_picture(life.data / "card.png")


def test_a_killed_training_went_on_where_it_was(life: Life):
    assert "going on from checkpoint-" in life.resumed
    card = json.loads((life.model / "run_card.json").read_text())
    assert card["resumed"]
    assert {"curves.png", "run_card.md", "preprocessing.json"} <= {file.name for file in life.model.iterdir()}
    steps = [one["step"] for one in card["history"] if "eval_loss" in one]
    assert steps == sorted(set(steps)), "no evaluation is missing or there twice"


def names_in_the_source(life: Life) -> dict[str, str]:
    with (life.data / "names.csv").open() as file:
        return {row["file"]: Path(row["name"]).name for row in csv.DictReader(file)}


def test_the_model_has_learned(life: Life):
    """By the pictures whose labels were left as they are."""
    names, predictions = names_in_the_source(life), read_predictions(life.evaluation / "predictions.jsonl")
    found = [one for one in predictions if one.scores and not names[one.file].startswith("swapped-")]
    right = sum(max(LABELS, key=one.scores.__getitem__) == one.label for one in found)
    assert right / len(found) >= LEAST_ACCURACY


def test_an_over_confident_model_is_calibrated(life: Life):
    calibration = json.loads((life.model / "calibration.json").read_text())
    assert calibration["temperature"] > 1.5
    assert calibration["nll_after"] < calibration["nll_before"]
    assert calibration["ece_after"] < calibration["ece_before"]


def test_swapped_labels_are_suspected(life: Life):
    with (life.audit / "label_errors.csv").open() as file:
        suspects = {row["file"] for row in csv.DictReader(file)}
    names = names_in_the_source(life)
    assert sum(names[one].startswith("swapped-") for one in suspects) >= 2


def test_every_step_leaves_its_pages(life: Life):
    record = json.loads((life.evaluation / "evaluation.json").read_text())
    report = (life.evaluation / "report.html").read_text()
    assert f"{100 * record['classification']['accuracy']['value']:.1f} %" in report
    assert record["data"]["near_duplicates_in_training"] == 0
    audit = json.loads((life.audit / "audit.json").read_text())
    shown = {slug for slug, kind in audit["kinds"].items() if kind["hits"]} | {"label_errors", "slices"}
    for name in shown:
        assert_is_picture(life.audit / f"{name}.png")
    assert_is_picture(life.tuned / "operating_curve.png")


def test_the_tuned_policy_does_what_it_promises(life: Life):
    policy = load_policy_file(life.tuned / "tuned.yaml")
    assert policy.tests
    script_of_client = [sys.executable, "-m", "trust_nsfw.cli", "policy", "check", str(life.tuned / "tuned.yaml")]
    assert subprocess.run(script_of_client, check=False, timeout=60).returncode == 0
    promised = json.loads((life.tuned / "thresholds.json").read_text())["chosen_on"]["recall"]
    predictions = read_predictions(life.evaluation / "predictions.jsonl")
    for label in ("porn", "hentai"):
        of_label = [one for one in predictions if one.label == label]
        caught = sum(
            one.scores is not None and decide(Scores(**one.scores), policy.policy).action is not Action.ALLOW
            for one in of_label
        )
        assert promised[label]["value"] == pytest.approx(caught / len(of_label))


def test_the_servers_predictions_are_evaluates(life: Life, served: TorchServeProcess, tmp_path: Path):
    script(
        "evaluate.py", "--server", served.config.inference.url, "--data", life.data, "--no-robustness",
        "--out", tmp_path / "of-server",
    )  # fmt: skip
    by_server = read_predictions(tmp_path / "of-server/predictions.jsonl")
    by_evaluate = read_predictions(life.evaluation / "predictions.jsonl")
    assert [one.sha256 for one in by_server] == [one.sha256 for one in by_evaluate]
    for one, other in zip(by_server, by_evaluate, strict=True):
        assert one.error == other.error
        assert one.scores == pytest.approx(other.scores, abs=2e-4)
