import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageClassification

from trust_nsfw.engines.classifier import Classifier
from trust_nsfw.engines.lane import WARM_UP_RUNS, Lane, bucket, buckets
from trust_nsfw.engines.scorer import Scorer
from trust_nsfw.preprocess import PreprocessingSpec

CPU = torch.device("cpu")
MAX_BATCH = 6
BUCKETS = (1, 2, 4, 6)


class Identity:
    """A compiler that changes nothing and remembers which batch sizes ran, and in which thread."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.threads: set[int] = set()

    def __call__(self, scorer: Scorer):
        def run(batch: torch.Tensor) -> torch.Tensor:
            self.sizes.append(len(batch))
            self.threads.add(threading.get_ident())
            assert torch.is_inference_mode_enabled()
            return scorer(batch)

        return run


def lane_of(checkpoint: Path, compile=None, warm_up_seconds: float = 600.0) -> Lane:
    spec = PreprocessingSpec.load(checkpoint)
    scorer = Scorer(Classifier.load(checkpoint, spec, CPU, torch.float32))
    return Lane(scorer, (MAX_BATCH, 32, 32, 3), CPU, compile, warm_up_seconds)


def random_batch(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def plain(tiny_checkpoint: Path):
    """What transformers says without any of this."""
    model = AutoModelForImageClassification.from_pretrained(tiny_checkpoint).eval()

    @torch.inference_mode()
    def rows(batch: np.ndarray) -> np.ndarray:
        pixels = (torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
        return model(pixel_values=pixels).logits.softmax(-1).numpy()

    return rows


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (2, 2), (3, 4), (5, 8), (9, 12), (12, 12)])
def test_a_bucket_is_the_next_power_of_two_up_to_the_largest_batch(size, expected):
    assert bucket(size, largest=12) == expected


@pytest.mark.parametrize(("largest", "expected"), [(1, (1,)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))])
def test_the_buckets_are_all_that_any_batch_may_need(largest, expected):
    assert buckets(largest) == expected


def test_every_bucket_compiles_records_and_replays_before_the_first_request(tiny_checkpoint):
    compiler = Identity()
    lane = lane_of(tiny_checkpoint, compiler)
    assert compiler.sizes == [size for size in BUCKETS for _ in range(WARM_UP_RUNS)]
    assert lane.compiled_buckets == BUCKETS


def test_requests_of_every_size_run_in_a_warm_bucket_and_equal_plain_transformers(tiny_checkpoint, plain):
    compiler = Identity()
    lane = lane_of(tiny_checkpoint, compiler)
    compiler.sizes.clear()
    for size in range(1, MAX_BATCH + 1):
        batch = random_batch(size, seed=size)
        rows = lane.start(batch).rows()
        assert (rows.shape, rows.dtype) == ((size, 5), np.float32)
        assert np.abs(rows - plain(batch)).max() < 1e-5
    assert compiler.sizes == [1, 2, 4, 4, 6, 6]


def test_chunks_in_flight_keep_their_rows_whatever_order_they_are_asked_for_in(tiny_checkpoint, plain):
    lane = lane_of(tiny_checkpoint, Identity())
    chunks = [random_batch(size, seed) for seed, size in enumerate([6, 6, 1, 3, 6, 2, 5])]
    pending = [lane.start(chunk) for chunk in chunks]
    for chunk, waiting in reversed(list(zip(chunks, pending, strict=True))):
        assert np.abs(waiting.rows() - plain(chunk)).max() < 1e-5


def test_warm_up_and_requests_from_many_threads_all_run_in_one(tiny_checkpoint, plain):
    compiler = Identity()
    lane = lane_of(tiny_checkpoint, compiler)
    chunks = [random_batch(1 + seed % MAX_BATCH, seed) for seed in range(24)]
    with ThreadPoolExecutor(4) as callers:
        answers = list(callers.map(lambda chunk: lane.start(chunk).rows(), chunks))
    assert all(np.abs(rows - plain(chunk)).max() < 1e-5 for rows, chunk in zip(answers, chunks, strict=True))
    assert len(compiler.threads) == 1
    assert threading.get_ident() not in compiler.threads


def test_a_compiler_that_fails_is_said_and_the_model_serves_eagerly(tiny_checkpoint, plain, caplog):
    def missing(scorer: Scorer):
        raise RuntimeError("Failed to find C compiler.\nPlease specify via CC")

    lane = lane_of(tiny_checkpoint, missing)
    assert "batches of 1 and more run eagerly: they can't be compiled: RuntimeError: Failed to find C" in caplog.text
    assert lane.compiled_buckets == ()
    assert np.abs(lane.start(random_batch(3)).rows() - plain(random_batch(3))).max() < 1e-5


def test_a_size_that_does_not_compile_leaves_the_smaller_ones_compiled(tiny_checkpoint, plain, caplog):
    def small_only(scorer: Scorer):
        def run(batch: torch.Tensor) -> torch.Tensor:
            if len(batch) > 2:
                raise torch.OutOfMemoryError("no room for the graph")
            return scorer(batch)

        return run

    lane = lane_of(tiny_checkpoint, small_only)
    assert lane.compiled_buckets == (1, 2)
    assert "batches of 4 and more run eagerly" in caplog.text
    for size in (2, 5):
        assert np.abs(lane.start(random_batch(size)).rows() - plain(random_batch(size))).max() < 1e-5


@pytest.mark.parametrize(
    "spoil", [lambda rows: rows.flip(0), lambda rows: rows * torch.nan, lambda rows: rows[:1].expand(len(rows), -1)]
)
def test_compiled_code_with_other_rows_is_not_used(tiny_checkpoint, plain, caplog, spoil):
    lane = lane_of(
        tiny_checkpoint, lambda scorer: lambda batch: spoil(scorer(batch)) if len(batch) == 4 else scorer(batch)
    )
    assert lane.compiled_buckets == (1, 2, 6)
    assert "batches of 4 run eagerly: compiled, they give other rows" in caplog.text
    assert np.abs(lane.start(random_batch(4)).rows() - plain(random_batch(4))).max() < 1e-5


def test_compiling_ends_when_its_time_is_over(tiny_checkpoint, caplog):
    compiler = Identity()
    with caplog.at_level(logging.INFO):
        lane = lane_of(tiny_checkpoint, compiler, warm_up_seconds=0.0)
    assert (compiler.sizes, lane.compiled_buckets) == ([], ())
    assert "batches of 1 and more run eagerly: compiling took over 0 s" in caplog.text
    assert "compiled for batches of no size" in caplog.text


def test_what_a_batch_fails_with_reaches_whoever_asked_and_nobody_else(tiny_checkpoint, plain):
    lane = lane_of(tiny_checkpoint)
    broken = lane.start(np.zeros((2, 16, 16, 3), dtype=np.uint8))
    sound = lane.start(random_batch(2))
    with pytest.raises(ValueError, match="shape"):
        broken.rows()
    assert np.abs(sound.rows() - plain(random_batch(2))).max() < 1e-5


def test_the_whole_scorer_is_one_graph_to_torchs_compiler(tiny_checkpoint, plain):
    def one_graph(scorer: Scorer):
        return torch.compile(scorer, backend="aot_eager", fullgraph=True, dynamic=False)

    lane = lane_of(tiny_checkpoint, one_graph)
    assert lane.compiled_buckets == BUCKETS
    for size in range(1, MAX_BATCH + 1):
        batch = random_batch(size, seed=size)
        assert np.abs(lane.start(batch).rows() - plain(batch)).max() < 1e-5
