import time

import numpy as np
import pytest

import decode_bench


def test_each_size_gets_a_row_with_a_ratio(capsys):
    assert decode_bench.main(["--sizes", "960x640", "1200x1000", "--rounds", "2"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert [row.split("|")[1].split(",")[0].strip() for row in rows] == ["960x640", "1200x1000"]
    assert all(float(row.split("|")[4].split()[0]) > 0 for row in rows)


def test_a_picture_that_stays_whole_comes_out_equal(capsys):
    assert decode_bench.main(["--sizes", "960x640", "--rounds", "1"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("| 0.00 |")


def test_other_pixels_are_no_result(capsys, monkeypatch: pytest.MonkeyPatch):
    honest = decode_bench.project
    monkeypatch.setattr(decode_bench, "project", lambda payload, spec: np.flip(honest(payload, spec), axis=0))
    assert decode_bench.main(["--sizes", "960x640", "--rounds", "1"]) == 1
    assert "WRONG INPUT: 960x640" in capsys.readouterr().err


def test_who_comes_first_alternates_and_each_time_stays_with_its_own():
    calls: list[str] = []

    def step(name: str, seconds: float):
        def run(_: bytes) -> None:
            calls.append(name)
            time.sleep(seconds)

        return run

    for turn in (0, 1):
        theirs, ours = decode_bench.timed(step("theirs", 0.1), step("ours", 0), b"", turn)
        assert theirs > ours
    assert calls == ["theirs", "ours", "ours", "theirs"]
