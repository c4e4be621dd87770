from pathlib import Path

from measuring import report_folder


def test_a_report_is_named_by_its_time_and_holds_whole_files_only(tmp_path: Path):
    folder = report_folder.new_folder("bench", tmp_path)
    assert folder.name.endswith("Z-bench")
    assert not folder.exists()
    report_folder.write(folder, {"bench.md": "text ≥", "bench.png": b"\x89"})
    assert sorted(file.name for file in folder.iterdir()) == ["bench.md", "bench.png"]
    assert (folder / "bench.md").read_text(encoding="utf-8") == "text ≥"
