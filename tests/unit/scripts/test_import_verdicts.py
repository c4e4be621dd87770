import json
from pathlib import Path

import import_verdicts
import tune_thresholds
from evaluation.prediction import read_predictions
from labelled_scores import evenly_spread


def write_verdicts(file: Path, *more: str) -> Path:
    lines = []
    for place, one in enumerate(evenly_spread(60)):
        explicit = (one.scores["porn"] + one.scores["hentai"]) >= 0.5
        answer = {"id": one.file, "action": "blur" if explicit else "allow", "scores": one.scores}
        sampled = {} if explicit else {"sampled": 0.5}
        lines.append(
            json.dumps({"answer": answer | {"image": {"sha256": str(place)}}, "verdict": one.label, **sampled})
        )
    file.write_text("\n".join([*lines, *more]))
    return file


def test_verdicts_become_images_to_tune_on_with_their_weights(tmp_path: Path, capsys):
    file = write_verdicts(tmp_path / "verdicts.jsonl")
    assert import_verdicts.main([str(file), "--out", str(tmp_path / "live")]) == 0
    output = capsys.readouterr().out
    assert "recall (blurred or reviewed): 0.3333" in output  # 60 caught, and 60 allowed that stand for 120
    assert "malformed: 0 lines" in output
    predictions = read_predictions(tmp_path / "live/predictions.jsonl")
    assert [one.label for one in predictions] == [one.label for one in evenly_spread(60)]
    assert set(json.loads((tmp_path / "live/weights.json").read_text())) == {1.0, 2.0}
    assert tune_thresholds.main([str(tmp_path / "live"), "--blur-fpr", "0.05", "--draws", "5"]) == 0
    assert (tmp_path / "live/thresholds/tuned.yaml").exists()


def test_malformed_lines_stop_it_unless_they_may_be_left_out(tmp_path: Path, capsys):
    file = write_verdicts(tmp_path / "verdicts.jsonl", "{}", "not JSON")
    arguments = [str(file), "--out", str(tmp_path / "live")]
    assert import_verdicts.main(arguments) == 1
    errors = capsys.readouterr().err
    assert "line 301: it has no verdict" in errors
    assert "line 302" in errors
    assert not (tmp_path / "live").exists()
    assert import_verdicts.main([*arguments, "--leave-out-malformed"]) == 0
    assert [one["line"] for one in json.loads((tmp_path / "live/verdicts.json").read_text())["malformed"]] == [301, 302]


def test_no_file_and_no_verdicts_are_errors(tmp_path: Path, capsys):
    assert import_verdicts.main([str(tmp_path / "none"), "--out", str(tmp_path / "live")]) == 1
    (tmp_path / "empty").write_text("\n")
    assert import_verdicts.main([str(tmp_path / "empty"), "--out", str(tmp_path / "live")]) == 1
    assert "holds no verdict" in capsys.readouterr().err


def test_only_an_earlier_import_is_replaced(tmp_path: Path, capsys):
    file = write_verdicts(tmp_path / "verdicts.jsonl")
    evaluation = tmp_path / "evaluation"
    evaluation.mkdir()
    (evaluation / "predictions.jsonl").write_text("of the test split")
    assert import_verdicts.main([str(file), "--out", str(evaluation)]) == 1
    assert "is there and is no earlier import; name another place with --out" in capsys.readouterr().err
    assert [one.name for one in evaluation.iterdir()] == ["predictions.jsonl"]
    assert (evaluation / "predictions.jsonl").read_text() == "of the test split"


def test_an_import_is_replaced_whole_and_what_was_tuned_on_it_stays(tmp_path: Path):
    live = tmp_path / "live"
    live.mkdir()
    file = write_verdicts(tmp_path / "verdicts.jsonl")
    assert import_verdicts.main([str(file), "--out", str(live)]) == 0
    (live / "thresholds").mkdir()
    file.write_text("\n".join(file.read_text().splitlines()[:30]))
    assert import_verdicts.main([str(file), "--out", str(live)]) == 0
    assert (
        len(read_predictions(live / "predictions.jsonl")) == len(json.loads((live / "weights.json").read_text())) == 30
    )
    names = {"predictions.jsonl", "weights.json", "verdicts.json", "thresholds"}
    assert {one.name for one in live.iterdir()} == names
    assert {one.name for one in tmp_path.iterdir()} == {"live", "verdicts.jsonl"}
