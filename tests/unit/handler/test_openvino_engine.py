import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lowering.graph import save, trace
from trust_nsfw.engines.openvino_engine import OpenVinoEngine, parts
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import PreprocessingSpec

ROOT = Path(__file__).resolve().parents[3]


def random_batch(size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    file = tmp_path_factory.mktemp("graph") / "graph.xml"
    save(trace(tiny_checkpoint, PreprocessingSpec.load(tiny_checkpoint)), file)
    return file


@pytest.fixture(scope="module")
def engine(graph: Path) -> OpenVinoEngine:
    return OpenVinoEngine(graph, precision="fp32", max_batch=8)


def test_rows_are_float32_distributions_equal_to_torchs(engine, tiny_engine):
    for size in (1, 2, 4):
        rows = engine.probabilities(random_batch(size))
        assert (rows.shape, rows.dtype) == ((size, 5), np.float32)
        assert np.abs(rows - tiny_engine.probabilities(random_batch(size))).max() < 1e-5


def test_an_image_scores_the_same_alone_and_in_company(engine):
    batch = random_batch(8)
    alone = np.concatenate([engine.probabilities(batch[index : index + 1]) for index in range(8)])
    assert np.abs(engine.probabilities(batch) - alone).max() < 1e-5


@pytest.mark.parametrize(("size", "expected"), [(1, [1]), (7, [4, 2, 1]), (8, [8]), (13, [8, 4, 1])])
def test_a_batch_runs_as_powers_of_two(size, expected):
    assert parts(size) == expected


def test_every_size_up_to_the_largest_gives_each_image_its_own_row(engine):
    alone = np.concatenate([engine.probabilities(random_batch(8)[index : index + 1]) for index in range(8)])
    for size in range(1, 9):
        assert np.abs(engine.probabilities(random_batch(8)[:size]) - alone[:size]).max() < 1e-5


def test_rows_stay_what_they_were_when_the_next_batch_runs(engine):
    first = engine.probabilities(random_batch(4))
    kept = first.copy()
    engine.probabilities(random_batch(5)[:4])
    assert np.array_equal(first, kept)


def test_a_slice_of_a_larger_buffer_is_read_as_it_lies(engine):
    buffer = random_batch(8)
    assert np.array_equal(engine.probabilities(buffer[3:5]), engine.probabilities(buffer[3:5].copy()))
    buffer.flags.writeable = False
    assert np.array_equal(engine.probabilities(buffer[3:5]), engine.probabilities(buffer[3:5].copy()))
    backwards = buffer[::-1]
    assert np.array_equal(engine.probabilities(backwards), engine.probabilities(backwards.copy()))


def test_threads_and_pinning_change_no_score(graph, engine):
    other = OpenVinoEngine(graph, precision="fp32", max_batch=8, threads=1, pin_threads=False)
    assert np.abs(other.probabilities(random_batch(3)) - engine.probabilities(random_batch(3))).max() < 1e-5


def test_bf16_stays_close_to_fp32(graph, engine):
    half = OpenVinoEngine(graph, precision="bf16", max_batch=8)
    assert np.abs(half.probabilities(random_batch(4)) - engine.probabilities(random_batch(4))).max() < 0.02


def test_importing_it_reports_nothing_to_the_makers_of_openvino(tmp_path):
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin", "PYTHONPATH": str(ROOT / "handler")}
    program = (
        "import trust_nsfw.engines.openvino_engine, sys\n"
        "assert 'openvino' in sys.modules and sys.modules['openvino_telemetry'] is None"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    assert not (tmp_path / "intel").exists()


def test_what_is_no_graph_is_refused_with_its_name(tmp_path):
    (tmp_path / "graph.xml").write_text("no graph")
    with pytest.raises(CheckpointError, match=r"graph\.xml is not a graph that OpenVINO"):
        OpenVinoEngine(tmp_path / "graph.xml", precision="fp32", max_batch=8)
