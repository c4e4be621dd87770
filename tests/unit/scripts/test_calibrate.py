"""The command from end to end: an overconfident model is found and mended, and what can't be is refused."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

import calibrate
import trained_vit
from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG
from dataset.example import Example, PreparedDataset, index_csv
from evaluation.labelled_files import of_examples
from evaluation.metrics import expected_calibration_error
from evaluation.predicting import predict
from evaluation.prediction import classes_of, probabilities_of
from evaluation.scorers import CheckpointScorer
from lowering.plan import Plan
from trust_nsfw.errors import CheckpointError
from trust_nsfw.schema import LABELS
from trust_nsfw.temperature import read_temperature

BOLDNESS = 4.0


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """Pictures that the trained model knows, a seventh of them with another label: nobody can be sure of those."""
    folder = tmp_path_factory.mktemp("data") / "prepared"
    (folder / "images").mkdir(parents=True)
    examples = []
    for index in range(360):
        label = LABELS[(index + (index % 7 == 0)) % 5]
        file = folder / f"images/{index:03}.png"
        Image.fromarray(trained_vit.picture(index, seed=11)).save(file)
        split = "validation" if index % 2 == 0 else "test"
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        examples.append(Example(f"images/{index:03}.png", label, split, index, sha256, "PNG", 32, 32, "0" * 16, False))
    (folder / "index.csv").write_text(index_csv(examples))
    return folder


@pytest.fixture
def overconfident(trained_checkpoint, tmp_path) -> Path:
    """The trained model with logits four times as large: as often right, and far too sure."""
    model = Path(shutil.copytree(trained_checkpoint, tmp_path / "bold"))
    weights = load_file(model / "model.safetensors")
    for name in ("classifier.weight", "classifier.bias"):
        weights[name] = weights[name] * BOLDNESS
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    return model


def served(model: Path, prepared: Path) -> tuple[np.ndarray, np.ndarray]:
    data = PreparedDataset.read(prepared)
    predictions = predict(of_examples(data, data.of_split("validation")), CheckpointScorer(model))
    return probabilities_of(predictions), classes_of(predictions)


def test_an_overconfident_model_is_calibrated_and_what_is_served_is_so_too(overconfident, prepared, capsys):
    before = expected_calibration_error(*served(overconfident, prepared))
    assert calibrate.main(["--model", str(overconfident), "--data", str(prepared)]) == 0
    record = json.loads((overconfident / "calibration.json").read_text())
    assert record["temperature"] == read_temperature(overconfident) > 1.5
    assert record["ece_before"] == pytest.approx(before, abs=1e-4)
    assert expected_calibration_error(*served(overconfident, prepared)) == pytest.approx(record["ece_after"], abs=1e-4)
    assert record["ece_after"] < 0.7 * record["ece_before"]
    assert record["nll_after"] < record["nll_cross_validated"] < record["nll_before"]
    assert record["test"]["ece_after"] < 0.7 * record["test"]["ece_before"]
    fingerprint = PreparedDataset.read(prepared).fingerprint
    assert record["fitted_on"] == {"source": "prepared", "split": "validation", "fingerprint": fingerprint}
    said = capsys.readouterr()
    assert "ECE" in said.out
    assert "180 images are few" in said.err
    report = overconfident.with_name("bold.calibration")
    assert {file.name for file in report.iterdir()} == {"calibration.md", "reliability.png"}
    assert "more sure than it was right" in (report / "calibration.md").read_text()


def test_a_second_run_gives_the_same_files_and_remove_takes_the_temperature_away(overconfident, prepared, capsys):
    command = ["--model", str(overconfident), "--data", str(prepared)]
    report = overconfident.with_name("bold.calibration")
    files = [overconfident / "calibration.json", report / "calibration.md", report / "reliability.png"]
    assert calibrate.main(command) == 0
    first = [file.read_bytes() for file in files]
    assert calibrate.main(command) == 0
    assert [file.read_bytes() for file in files] == first
    assert calibrate.main(["--model", str(overconfident), "--remove"]) == 0
    assert read_temperature(overconfident) == 1
    assert calibrate.main(["--model", str(overconfident), "--remove"]) == 1
    assert "has no calibration.json" in capsys.readouterr().err


def test_where_nothing_is_gained_nothing_is_written(trained_checkpoint, tmp_path, capsys):
    model = Path(shutil.copytree(trained_checkpoint, tmp_path / "right"))
    folder = tmp_path / "pictures"
    for index in range(40):
        file = folder / LABELS[index % 5] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(trained_vit.picture(index, seed=12)).save(file)
    assert calibrate.main(["--model", str(model), "--images", str(folder)]) == 3
    said = capsys.readouterr().err
    assert "all 40 images are classified right" in said
    assert "Nothing was written" in said
    assert not (model / "calibration.json").exists()
    assert not model.with_name("right.calibration").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "nowhere has no index.csv"),
        (["--images", "nowhere"], "nowhere is not a folder"),
        (["--data", "DATA", "--split", "train"], "split train is empty"),
        (["--data", "DATA", "--out", "DATA"], "is no earlier calibration"),
    ],
)
def test_what_cannot_be_done_ends_with_1_and_a_sentence(overconfident, prepared, capsys, arguments, message):
    arguments = [str(prepared) if one == "DATA" else one for one in arguments]
    assert calibrate.main(["--model", str(overconfident), *arguments]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("calibrate: ")
    assert not (overconfident / "calibration.json").exists()


@pytest.mark.parametrize("arguments", [[], ["--model", "a"], ["--model", "a", "--data", "b", "--remove"]])
def test_wrong_usage_ends_with_2(arguments):
    with pytest.raises(SystemExit) as end:
        calibrate.main(arguments)
    assert end.value.code == 2


def test_images_that_have_changed_since_they_were_prepared_are_not_calibrated_on(
    overconfident, prepared, tmp_path, capsys
):
    data = shutil.copytree(prepared, tmp_path / "data")
    shutil.copyfile(data / "images/002.png", data / "images/004.png")
    assert calibrate.main(["--model", str(overconfident), "--data", str(data)]) == 1
    assert f"{data / 'images/004.png'} has changed since the data set was prepared" in capsys.readouterr().err
    assert not (overconfident / "calibration.json").exists()


def test_a_temperature_of_other_weights_is_neither_evaluated_nor_built(overconfident, prepared, tmp_path):
    assert calibrate.main(["--model", str(overconfident), "--data", str(prepared)]) == 0
    CheckpointScorer(overconfident)
    weights = load_file(overconfident / "model.safetensors")
    weights["classifier.bias"] += 1
    save_file(weights, overconfident / "model.safetensors", {"format": "pt"})
    archive = tmp_path / "store/nsfw.mar"
    for use in (
        lambda: CheckpointScorer(overconfident),
        lambda: build(overconfident, HANDLER / MODEL_CONFIG, archive, plan=Plan(precision="none")),
    ):
        with pytest.raises(CheckpointError, match="was fitted to weights of sha256"):
            use()
    assert not archive.exists()
