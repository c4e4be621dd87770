import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import tune_thresholds
from evaluation.prediction import read_predictions, write_predictions
from labelled_scores import evenly_spread, unscored
from trust_nsfw.policy import decide
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.schema import Action, Scores

FAST = ("--draws", "20", "--blur-fpr", "0.01")


def evaluation(folder: Path, count: int = 300, *more) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_predictions(folder / "predictions.jsonl", [*evenly_spread(count), *more])
    return folder


def run(folder: Path, *arguments: str) -> int:
    return tune_thresholds.main([str(folder), *FAST, *arguments])


def test_the_written_policy_gives_the_promised_figures_when_the_service_decides(tmp_path: Path, capsys):
    folder = evaluation(tmp_path, 300, unscored("porn"))
    assert run(folder, "--base-rate", "explicit=0.01", "--daily-uploads", "10000") == 0
    out = folder / "thresholds"
    assert {file.name for file in out.iterdir()} == {
        *("tuned.yaml", "thresholds.json", "thresholds.md", "operating_curve.png"),
    }
    policy = load_policy_file(out / "tuned.yaml").policy
    counts = {"porn": Counter(), "hentai": Counter(), "neutral": Counter(), "drawing": Counter()}
    for one in read_predictions(folder / "predictions.jsonl"):
        if one.label in counts:
            action = "error" if one.scores is None else decide(Scores(**one.scores), policy).action
            counts[one.label][action] += 1
    record = json.loads((out / "thresholds.json").read_text())
    chosen = record["chosen_on"]
    for label in ("porn", "hentai"):
        caught = counts[label][Action.BLUR] + counts[label][Action.REVIEW]
        assert chosen["recall"][label]["value"] == pytest.approx(caught / counts[label].total())
    blurred = sum(counts[label][Action.BLUR] for label in ("neutral", "drawing"))
    assert chosen["blurred_safe"]["value"] == pytest.approx(blurred / 600)
    assert record["source"]["file"] == "predictions.jsonl"
    assert "reviews a day of 10,000 uploads" in (out / "thresholds.md").read_text()


def test_policy_check_passes_on_what_is_written(tmp_path: Path):
    folder = evaluation(tmp_path)
    assert run(folder, "--name", "mine", "--policy-version", "2025-01", "--sexy-recall", "0.5") == 0
    file = folder / "thresholds/mine.yaml"
    command = [sys.executable, "-m", "trust_nsfw.cli", "policy", "check", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode == 0, checked.stderr
    assert "valid" in checked.stdout


def test_too_few_images_are_said_loudly_and_fail_when_strict(tmp_path: Path, capsys):
    folder = evaluation(tmp_path, 40)
    assert run(folder) == 0
    output = capsys.readouterr()
    assert "NOT PROMISED" in output.out
    assert "NOT PROMISED" in output.err
    assert "too few to promise 0.98" in (folder / "thresholds/tuned.yaml").read_text()
    assert run(folder, "--strict") == 1


def test_a_budget_out_of_reach_leaves_pages_but_no_policy(tmp_path: Path, capsys):
    folder = evaluation(tmp_path)
    assert run(folder) == 0
    assert run(folder, "--daily-uploads", "10000", "--review-budget", "10") == 1
    assert "It would take" in capsys.readouterr().err
    assert not (folder / "thresholds/tuned.yaml").exists()
    assert "Over the review budget" in (folder / "thresholds/thresholds.md").read_text()


def test_thresholds_are_checked_on_another_evaluation(tmp_path: Path):
    folder, other = evaluation(tmp_path / "validation"), evaluation(tmp_path / "test", 200)
    assert run(folder, "--check", str(other), "--out", str(tmp_path / "out")) == 0
    assert json.loads((tmp_path / "out/thresholds.json").read_text())["checked_on"]["images"] == "test"


def test_a_missing_class_is_an_error_of_one_sentence(tmp_path: Path, capsys):
    write_predictions(tmp_path / "predictions.jsonl", [one for one in evenly_spread(20) if one.label != "drawing"])
    assert run(tmp_path) == 1
    assert "no image of drawing" in capsys.readouterr().err
    assert not (tmp_path / "thresholds").exists()


def test_a_folder_without_predictions_is_an_error(tmp_path: Path, capsys):
    assert run(tmp_path) == 1
    assert "predictions.jsonl cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--recall-target", "98"),
        ("--base-rate", "explicit=2"),
        ("--review-budget", "10"),
        ("--daily-uploads", "0"),
        ("--name", "../x"),
        ("--seed", "-1"),
        ("--seed", "4294967296"),
        ("--recall-target", "x"),
        ("--draws", "many"),
    ],
)
def test_wrong_usage_has_status_2(tmp_path: Path, arguments, capsys):
    with pytest.raises(SystemExit) as end:
        run(tmp_path, *arguments)
    assert end.value.code == 2
    assert "invalid" not in capsys.readouterr().err, "a message states value and limit"
