import json

import pytest
from PIL import Image

import make_pictures
from traffic.mix import MixSettings, mix_of_folder, open_mix


def test_it_writes_the_mix_and_a_contact_sheet(tmp_path, capsys: pytest.CaptureFixture[str]):
    out, sheet = tmp_path / "out", tmp_path / "sheet.png"
    arguments = ["--out", str(out), "--count", "5", "--seed", "2", "--bad-share", "0.2", "--sheet", str(sheet)]
    assert make_pictures.main(arguments) == 0
    assert mix_of_folder(out).pictures == open_mix(MixSettings(2, 5, 0.2), tmp_path).pictures
    assert json.loads(capsys.readouterr().out)["bad"] == 1
    with Image.open(sheet) as image:
        assert image.size == (8 * 210 + 10, 250)
        assert len(image.convert("RGB").getcolors(1_000_000)) > 1_000


def test_a_folder_that_is_there_is_left_alone(tmp_path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "mine.txt").write_text("mine")
    assert make_pictures.main(["--out", str(tmp_path)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_settings_of_no_mix_are_said(tmp_path, capsys: pytest.CaptureFixture[str]):
    assert make_pictures.main(["--out", str(tmp_path / "out"), "--bad-share", "2"]) == 2
    assert "a bad share of 2 is not between 0 and 1" in capsys.readouterr().err
