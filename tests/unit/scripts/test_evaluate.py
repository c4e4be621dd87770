"""The command from end to end: what it writes, what it says, how it ends."""

import csv
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

import evaluate
import trained_vit
from dataset.example import Example, PreparedDataset, index_csv
from evaluation.prediction import read_predictions
from evaluation.scorers import CheckpointScorer
from fake_server import fake_http_server
from scoring_service import ScoringService
from trust_nsfw.schema import LABELS

EXTERNAL = re.compile(r"""(?:src|href|action|poster|data)\s*=\s*["'](?!data:)|url\(|@import|https?://|<script|<link""")


@pytest.fixture(scope="session")
def trained(trained_checkpoint, tmp_path_factory) -> Path:
    return Path(shutil.copytree(trained_checkpoint, tmp_path_factory.mktemp("models") / "<i>trained"))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    """A prepared data set of 90 pictures, two thirds in the test split, without any hentai there."""
    folder = tmp_path_factory.mktemp("data") / "prepared"
    (folder / "images").mkdir(parents=True)
    examples = []
    for index in range(90):
        label = LABELS[index % 5]
        file = folder / f"images/{index:03}.png"
        Image.fromarray(trained_vit.picture(index, seed=11)).save(file)
        split = "train" if index % 3 == 0 or label == "hentai" else "test"
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        group = 0 if index == 2 else index  # a near-duplicate of a training image
        examples.append(Example(f"images/{index:03}.png", label, split, group, sha256, "PNG", 32, 32, "0" * 16, False))
    (folder / "index.csv").write_text(index_csv(examples))
    return folder


@pytest.fixture(scope="module")
def evaluation(trained, prepared, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("evaluations") / "mine"
    arguments = ["--model", str(trained), "--data", str(prepared), "--out", str(out), "--robustness-images", "10"]
    assert evaluate.main(arguments) == 0
    return out


def test_every_file_is_there_and_nothing_is_left_beside_them(evaluation):
    assert {file.name for file in evaluation.iterdir()} == {
        *("predictions.jsonl", "evaluation.json", "report.html"),
        *(f"{name}.png" for name in
          ("actions", "confusion", "curves", "demo", "reliability", "robustness", "slices")),
        *(f"{name}.csv" for name in
          ("actions", "classes", "confusion", "confusion_shares", "curves", "false_negatives", "reliability",
           "robustness", "slices", "unreadable")),
    }  # fmt: skip
    assert [file.name for file in evaluation.parent.iterdir()] == ["mine"]


def test_figures_agree_with_the_predictions_beside_them(evaluation):
    record = json.loads((evaluation / "evaluation.json").read_text())
    predictions = read_predictions(evaluation / "predictions.jsonl")
    right = sum(max(one.scores, key=one.scores.get) == one.label for one in predictions)
    accuracy = record["classification"]["accuracy"]
    assert (accuracy["hits"], accuracy["cases"]) == (right, len(predictions)) == (right, 48)
    assert accuracy["value"] > 0.85
    assert record["data"]["near_duplicates_in_training"] == 1
    assert record["speed"]["images_per_second"] > 0
    with (evaluation / "actions.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert [int(count) for row in rows[1:] for count in row[1:]] == [
        count for counts in record["moderation"]["actions"].values() for count in counts.values()
    ]


def test_a_model_of_other_data_may_have_seen_these_pictures_until_its_own_are_named(
    trained, prepared, tmp_path, capsys
):
    model = Path(shutil.copytree(trained, tmp_path / "model"))
    (model / "run_card.json").write_text(json.dumps({"data": {"fingerprint": "f" * 64}}))
    command = ["--model", str(model), "--data", str(prepared), "--no-robustness", "--out", str(tmp_path / "out")]
    assert evaluate.main(command) == 0
    record = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert record["data"]["near_duplicates_in_training"] is None
    assert record["classification_without_near_duplicates_in_training"] is None
    said = capsys.readouterr()
    assert "near-duplicates of training images: not known" in said.out
    assert "WARNING: The model was trained on other data (fingerprint ffffffffffff)" in said.err
    assert "Near-duplicates of training images: <b>not known</b>" in (tmp_path / "out/report.html").read_text()

    learned = tmp_path / "learned"
    (learned / "images").mkdir(parents=True)
    examples = []
    for index in (1, 2):  # of the test split, and learned all the same
        file = f"images/{index:03}.png"
        shutil.copy(prepared / file, learned / file)
        sha256 = hashlib.sha256((learned / file).read_bytes()).hexdigest()
        examples.append(Example(file, LABELS[index], "train", index, sha256, "PNG", 32, 32, "0" * 16, False))
    (learned / "index.csv").write_text(index_csv(examples))
    fingerprint = PreparedDataset.read(learned).fingerprint
    (model / "run_card.json").write_text(json.dumps({"data": {"fingerprint": fingerprint}}))
    assert evaluate.main([*command, "--trained-on", str(learned)]) == 0
    record = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert record["data"]["near_duplicates_in_training"] == 1
    apart = record["classification_without_near_duplicates_in_training"]["accuracy"]
    assert apart["cases"] == record["data"]["scored"] - 1
    said = capsys.readouterr()
    assert f"near-duplicates of training images: 1, accuracy without them {100 * apart['value']:.1f} %" in said.out
    assert "trained on other data" not in said.err
    assert evaluate.main([*command, "--trained-on", "nowhere"]) == 1


def test_a_missing_class_is_said_loudly_and_has_no_figures(evaluation, trained, prepared, capsys, tmp_path):
    record = json.loads((evaluation / "evaluation.json").read_text())
    assert record["data"]["missing_classes"] == ["hentai"]
    nothing = {"support": 0, "precision": None, "recall": None, "f1": None}
    assert record["classification"]["classes"]["hentai"] == nothing
    assert record["moderation"]["missed"]["hentai"]["allowed"]["value"] is None
    report = (evaluation / "report.html").read_text()
    assert "No image of hentai could be evaluated" in report
    assert "not measured" in report
    command = ["--model", str(trained), "--data", str(prepared), "--no-robustness", "--out", str(tmp_path / "out")]
    assert evaluate.main(command) == 0
    said = capsys.readouterr()
    assert "WARNING: No image of hentai" in said.err
    assert "missed hentai not measured" in said.out


def test_the_page_needs_nothing_else_and_no_name_becomes_markup(evaluation):
    report = (evaluation / "report.html").read_text()
    assert not EXTERNAL.findall(re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "data:", report))
    assert report.count("data:image/png;base64,") == 7
    assert "&lt;i&gt;trained" in report
    assert "<i>trained" not in report


def test_class_folders_slices_and_unreadable_files(trained, tmp_path, capsys):
    folder, lines = tmp_path / "pictures", ["file,art style"]
    for index in range(40):
        file = folder / LABELS[index % 5] / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(trained_vit.picture(index, seed=12)).save(file)
        lines.append(f"{file.relative_to(folder).as_posix()},{'ink' if index % 2 else 'paint'}")
    (folder / "porn/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    (folder / "neutral/notes.txt").write_text("not a picture")
    (tmp_path / "said.csv").write_text("\n".join(lines))
    out = tmp_path / "out"
    command = ["--model", str(trained), "--images", str(folder), "--slices", str(tmp_path / "said.csv")]
    assert evaluate.main([*command, "--no-robustness", "--policy", "strict", "--out", str(out)]) == 0
    record = json.loads((out / "evaluation.json").read_text())
    assert record["data"]["unreadable"] == {"unsupported_format": 1, "corrupt_image": 1}
    assert (record["data"]["images"], record["data"]["scored"]) == (42, 40)
    assert record["policy"]["name"] == "strict"
    assert record["robustness"] is None
    assert {(one["column"], one["value"], one["images"]) for one in record["slices"]} >= {
        *(("art style", "ink", 20), ("art style", "paint", 20), ("format", "PNG", 40)),
    }
    assert "2 of 42 images could not be scored" in capsys.readouterr().err
    again = read_predictions(out / "predictions.jsonl")
    assert evaluate.main([*command, "--no-robustness", "--policy", "strict", "--out", str(out)]) == 0
    assert read_predictions(out / "predictions.jsonl") == again


def test_a_server_gives_the_predictions_that_the_checkpoint_gives(evaluation, trained, prepared, tmp_path, capsys):
    command = ["--data", str(prepared), "--no-robustness", "--out", str(tmp_path / "out")]
    with fake_http_server(ScoringService(CheckpointScorer(trained))) as server:
        assert evaluate.main(["--server", server.address, *command]) == 0
    assert read_predictions(tmp_path / "out/predictions.jsonl") == read_predictions(evaluation / "predictions.jsonl")
    report = (tmp_path / "out/report.html").read_text()
    assert "scoring-service" in report
    assert "Through the server, network included" in report
    assert evaluate.main(["--server", "http://127.0.0.1:9", *command]) == 1
    assert "did not score the images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere"], "nowhere has no index.csv"),
        (["--images", "nowhere"], "nowhere is not a folder"),
        (["--data", "DATA", "--split", "validation"], "split validation is empty"),
        (["--data", "DATA", "--policy", "mild"], "no policy is named 'mild'; known are default, lenient, strict"),
        (["--data", "DATA", "--out", "DATA"], "is no evaluation; name another place"),
        (["--data", "DATA", "--slices", "gone.csv"], "gone.csv can't be read"),
    ],
)
def test_what_cannot_be_evaluated_ends_with_1_and_a_sentence(trained, prepared, capsys, arguments, message):
    arguments = [str(prepared) if one == "DATA" else one for one in arguments]
    assert evaluate.main(["--model", str(trained), *arguments]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("evaluate: ")


@pytest.mark.parametrize("arguments", [[], ["--model", "a"], ["--model", "a", "--server", "b", "--data", "c"]])
def test_wrong_usage_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        evaluate.main(arguments)
    assert end.value.code == 2


def test_a_policy_file_decides(trained, prepared, tmp_path):
    policy = tmp_path / "all.yaml"
    rule = "{id: any, action: blur, any: {nsfw: 0.0}}"
    policy.write_text(f'name: all\nversion: "7"\nrules: [{rule}]\notherwise: allow\n')
    command = ["--model", str(trained), "--data", str(prepared), "--no-robustness", "--out", str(tmp_path / "out")]
    assert evaluate.main([*command, "--policy", str(policy)]) == 0
    record = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert record["policy"]["version"] == "7"
    assert record["moderation"]["safe_rate"]["value"] == 0
    assert record["moderation"]["blur_recall"]["value"] == 1
