import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lowering.calibration import FEWEST, calibration_inputs
from lowering.graph import quantized, save, trace, with_quantized_weights
from lowering.pictures import PictureFolder
from trust_nsfw.engines.openvino_engine import OpenVinoEngine
from trust_nsfw.errors import SettingsError
from trust_nsfw.preprocess import PreprocessingSpec

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def spec(tiny_checkpoint: Path) -> PreprocessingSpec:
    return PreprocessingSpec.load(tiny_checkpoint)


def batch(size: int = 6) -> np.ndarray:
    return np.random.default_rng(size).integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)


def test_a_quantized_graph_computes_in_int8_and_stays_near(tiny_checkpoint, spec, tiny_engine, tmp_path):
    graph = quantized(trace(tiny_checkpoint, spec), calibration_inputs(None, spec))
    assert any(node.get_type_name() == "FakeQuantize" for node in graph.get_ops())
    save(graph, tmp_path / "graph.xml")
    rows = OpenVinoEngine(tmp_path / "graph.xml", precision="int8", max_batch=6).probabilities(batch())
    assert 0 < np.abs(rows - tiny_engine.probabilities(batch())).max() < 0.1


def test_quantized_weights_take_a_quarter_of_the_space(tiny_checkpoint, spec, tiny_engine, tmp_path):
    save(trace(tiny_checkpoint, spec), tmp_path / "whole.xml")
    save(with_quantized_weights(trace(tiny_checkpoint, spec)), tmp_path / "graph.xml")
    assert (tmp_path / "graph.bin").stat().st_size < (tmp_path / "whole.bin").stat().st_size / 3
    rows = OpenVinoEngine(tmp_path / "graph.xml", precision="int8-dynamic", max_batch=6).probabilities(batch())
    assert np.abs(rows - tiny_engine.probabilities(batch())).max() < 0.03


def test_what_merges_tokens_is_left_out_of_quantization(tiny_checkpoint, spec):
    graph = quantized(trace(tiny_checkpoint, spec, merge_tokens=3), calibration_inputs(None, spec))
    merging = [node for node in graph.get_ops() if ".merging." in node.get_friendly_name()]
    assert merging
    sources = {value.get_node().get_type_name() for node in merging for value in node.input_values()}
    assert "FakeQuantize" not in sources


@pytest.mark.parametrize("merge_tokens", [0, 3])
def test_the_same_checkpoint_gives_the_same_bytes(tiny_checkpoint, spec, tmp_path, merge_tokens):
    for name in ("one", "two"):
        graph = quantized(trace(tiny_checkpoint, spec, merge_tokens), calibration_inputs(None, spec))
        save(graph, tmp_path / f"{name}.xml")
    for suffix in (".xml", ".bin"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


def test_calibration_passes_over_what_it_cannot_read_and_wants_enough_of_the_rest(tmp_path, spec):
    (tmp_path / "no picture").write_text("text")
    with pytest.raises(SettingsError, match=f"0 readable pictures in .*; calibration needs at least {FEWEST}"):
        calibration_inputs(PictureFolder.read(tmp_path), spec)


def test_nothing_is_reported_to_the_makers_of_openvino(tiny_checkpoint, tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from lowering.graph import trace, quantized\n"
        "from lowering.calibration import calibration_inputs\n"
        "from trust_nsfw.preprocess import PreprocessingSpec\n"
        "checkpoint = Path(sys.argv[1]); spec = PreprocessingSpec.load(checkpoint)\n"
        "quantized(trace(checkpoint, spec), calibration_inputs(None, spec))\n"
    )
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin", "PYTHONPATH": f"{ROOT}/scripts:{ROOT}/handler"}
    subprocess.run([sys.executable, "-c", program, tiny_checkpoint], env=environment, check=True, capture_output=True)
    assert not (tmp_path / "intel").exists()
