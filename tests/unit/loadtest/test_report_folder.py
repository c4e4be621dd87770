from pathlib import Path

import pytest

from measuring import report_folder


def test_a_report_is_named_by_its_time_and_holds_whole_files_only(tmp_path: Path):
    folder = report_folder.new_folder("bench", tmp_path)
    assert folder.name.endswith("Z-bench")
    assert not folder.exists()
    report_folder.write(folder, {"bench.md": lambda: "text ≥", "bench.png": lambda: b"\x89"})
    assert sorted(file.name for file in folder.iterdir()) == ["bench.md", "bench.png"]
    assert (folder / "bench.md").read_text(encoding="utf-8") == "text ≥"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_that_is_there_already_keeps_what_is_not_replaced(tmp_path: Path):
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "bench.md").write_text("old")
    report_folder.write(folder, {"bench.md": lambda: "new"})
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"notes.txt": "mine", "bench.md": "new"}
    assert list(tmp_path.iterdir()) == [folder]


def test_what_was_measured_survives_a_picture_that_cannot_be_drawn(tmp_path: Path):
    def picture() -> bytes:
        raise RuntimeError("no font")

    with pytest.raises(RuntimeError, match="no font"):
        report_folder.write(tmp_path / "report", {"bench.json": lambda: "{}", "bench.png": picture})
    assert [file.name for file in (tmp_path / "report").iterdir()] == ["bench.json"]
