"""One temperature, in every engine that computes probabilities."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from lowering.graph import save, trace
from trust_nsfw.engines.openvino_engine import OpenVinoEngine
from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.temperature import read_temperature, require_calibrated_for

BATCH = np.random.default_rng(3).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
LOUD = 0.1
"""The tiny ViT's random logits are nearly equal: divided by this they tell probabilities apart."""


def with_temperature(checkpoint: Path, folder: Path, temperature: float) -> Path:
    copy = shutil.copytree(checkpoint, folder / f"{temperature}")
    (copy / "calibration.json").write_text(json.dumps({"temperature": temperature}))
    return copy


def by_torch(checkpoint: Path) -> np.ndarray:
    spec = PreprocessingSpec.load(checkpoint)
    engine = TorchEngine(checkpoint, spec, torch.device("cpu"), precision="fp32", max_batch=4)
    return engine.probabilities(BATCH)


def by_openvino(checkpoint: Path, folder: Path) -> np.ndarray:
    save(trace(checkpoint, PreprocessingSpec.load(checkpoint)), folder / "graph.xml")
    return OpenVinoEngine(folder / "graph.xml", precision="fp32", max_batch=4).probabilities(BATCH)


def divided(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    powers = probabilities.astype(np.float64) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def test_every_engine_divides_the_logits_by_it(tiny_checkpoint, tmp_path):
    plain = by_torch(tiny_checkpoint)
    loud = with_temperature(tiny_checkpoint, tmp_path, LOUD)
    wanted = divided(plain, LOUD)
    assert np.abs(wanted - plain).max() > 0.05
    np.testing.assert_allclose(by_torch(loud), wanted, atol=1e-4)
    np.testing.assert_allclose(by_openvino(loud, tmp_path), wanted, atol=1e-4)


def test_it_never_changes_which_label_is_highest(tiny_checkpoint, tmp_path):
    mild = with_temperature(tiny_checkpoint, tmp_path, 3.0)
    assert (by_torch(mild).argmax(1) == by_torch(tiny_checkpoint).argmax(1)).all()


def test_a_checkpoint_without_one_has_temperature_one(tiny_checkpoint):
    assert read_temperature(tiny_checkpoint) == 1.0


@pytest.mark.parametrize("value", ["1.5", None, True, 0, -1, 0.01, 100, float("nan"), float("inf")])
def test_what_is_no_temperature_is_refused_by_value(tmp_path, value):
    (tmp_path / "calibration.json").write_text(json.dumps({"temperature": value}))
    with pytest.raises(CheckpointError, match=r"calibration\.json: temperature .* is not a number from 0\.05 to 20"):
        read_temperature(tmp_path)


def test_a_file_that_is_no_json_is_refused(tmp_path):
    (tmp_path / "calibration.json").write_text("{")
    with pytest.raises(CheckpointError, match="is not JSON"):
        read_temperature(tmp_path)


def test_a_temperature_that_names_no_weights_may_belong_to_any(tmp_path):
    require_calibrated_for(tmp_path, "ab")
    (tmp_path / "calibration.json").write_text(json.dumps({"temperature": 2.0}))
    require_calibrated_for(tmp_path, "ab")


def test_a_temperature_of_other_weights_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "calibration.json").write_text(json.dumps({"temperature": 2.0, "weights_sha256": "ab"}))
    require_calibrated_for(tmp_path, "ab")
    with pytest.raises(
        CheckpointError, match=r"fitted to weights of sha256 ab, not to these, cd: run scripts/calibrate"
    ):
        require_calibrated_for(tmp_path, "cd")
