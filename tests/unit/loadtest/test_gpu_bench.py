import json
from pathlib import Path

import numpy as np
import pytest

import gpu_bench
from trust_nsfw.engines.torch_engine import TorchEngine

QUICK = ["--device", "cpu", "--precision", "fp32", "--rounds", "2", "--seconds", "0", "--no-compile"]


def test_every_batch_size_is_measured_and_written_with_machine_and_versions(tiny_checkpoint: Path, tmp_path, capsys):
    out = tmp_path / "figures.json"
    assert gpu_bench.main([str(tiny_checkpoint), *QUICK, "--batches", "1", "3", "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert [row["batch"] for row in report["sizes"]] == [1, 3]
    for row in report["sizes"]:
        assert set(row["images_per_second"]) == {"plain eager", "engine", "engine, two in flight"}
        assert all(0 < figure["slowest"] <= figure["median"] for figure in row["images_per_second"].values())
        assert max(row["largest_difference"].values()) < 1e-5
    assert {"device", "torch", "transformers"} <= set(report["machine"])
    printed = capsys.readouterr().out.splitlines()
    assert [line.split("|")[1].strip() for line in printed if line.startswith("|")] == ["batch", "---", "1", "3"]


@pytest.mark.parametrize("spoil", [lambda rows: rows[::-1], lambda rows: rows * np.nan, lambda rows: rows[:-1]])
def test_an_engine_with_other_rows_is_no_result(tiny_checkpoint: Path, tmp_path, capsys, monkeypatch, spoil):
    honest = TorchEngine.probabilities
    monkeypatch.setattr(TorchEngine, "probabilities", lambda self, batch: spoil(honest(self, batch)))
    out = tmp_path / "figures.json"
    assert gpu_bench.main([str(tiny_checkpoint), *QUICK, "--batches", "4", "--out", str(out)]) == 1
    assert "WRONG ROWS: engine:" in capsys.readouterr().err
    assert not out.exists()


def test_without_a_gpu_it_says_so(tiny_checkpoint: Path, capsys, monkeypatch):
    monkeypatch.setattr(gpu_bench.torch.cuda, "is_available", lambda: False)
    assert gpu_bench.main([str(tiny_checkpoint)]) == 2
    assert "no CUDA device here" in capsys.readouterr().err
