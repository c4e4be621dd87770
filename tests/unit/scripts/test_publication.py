"""Where a result may go."""

from pathlib import Path

from model_sources.publication import is_free


def test_a_result_goes_where_nothing_is_or_an_earlier_one(tmp_path: Path):
    out = tmp_path / "out"
    assert is_free(out, "audit.json")
    out.mkdir()
    assert is_free(out, "audit.json")
    (out / "letter.txt").touch()
    assert not is_free(out, "audit.json")
    assert not is_free(out / "letter.txt", "audit.json")
    (out / "audit.json").touch()
    assert is_free(out, "audit.json")
