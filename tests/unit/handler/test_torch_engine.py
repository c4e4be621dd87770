from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageClassification, MobileNetV2Config, MobileNetV2ForImageClassification

from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.preprocess import SPEC_FILE, PreprocessingSpec
from trust_nsfw.schema import LABELS

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


def random_batch(size: int) -> np.ndarray:
    return np.random.default_rng(size).integers(0, 256, (size, 32, 32, 3), dtype=np.uint8)


def test_rows_are_float32_distributions(tiny_engine):
    rows = tiny_engine.probabilities(random_batch(4))
    assert (rows.shape, rows.dtype) == ((4, 5), np.float32)
    assert np.abs(rows.sum(axis=1) - 1).max() < 1e-5


def test_an_image_scores_the_same_alone_and_in_company(tiny_engine):
    batch = random_batch(4)
    together = tiny_engine.probabilities(batch)
    alone = np.concatenate([tiny_engine.probabilities(batch[index : index + 1]) for index in range(4)])
    assert np.abs(together - alone).max() < 1e-5


def test_padding_to_buckets_changes_no_score_and_adds_no_row(tiny_checkpoint: Path, tiny_engine):
    spec = PreprocessingSpec.load(tiny_checkpoint)
    padded = TorchEngine(tiny_checkpoint, spec, CPU, precision="fp32", max_batch=8, pad_to_buckets=True)
    for size in range(1, 9):
        batch = random_batch(size)
        assert np.abs(padded.probabilities(batch) - _reference(tiny_checkpoint, batch)).max() < 1e-5


def test_scores_equal_plain_transformers(tiny_checkpoint: Path, tiny_engine):
    batch = random_batch(4)
    assert np.abs(tiny_engine.probabilities(batch) - _reference(tiny_checkpoint, batch)).max() < 1e-5


def test_columns_follow_the_labels_whatever_the_checkpoints_order(tmp_path, tiny_checkpoint: Path, tiny_engine):
    for file in tiny_checkpoint.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = (tmp_path / "config.json").read_text()
    swapped = config.replace('"0": "drawing"', '"0": "sexy"').replace('"4": "sexy"', '"4": "drawings"')
    assert swapped != config
    (tmp_path / "config.json").write_text(swapped)
    spec = PreprocessingSpec.load(tmp_path)
    rows = TorchEngine(tmp_path, spec, CPU, precision="fp32", max_batch=4).probabilities(random_batch(3))
    assert np.allclose(rows[:, [4, 1, 2, 3, 0]], tiny_engine.probabilities(random_batch(3)), atol=1e-5)


def test_bf16_stays_close_to_fp32(tiny_checkpoint: Path, tiny_engine):
    spec = PreprocessingSpec.load(tiny_checkpoint)
    half = TorchEngine(tiny_checkpoint, spec, CPU, precision="bf16", max_batch=4)
    batch = random_batch(4)
    assert 0 < np.abs(half.probabilities(batch) - tiny_engine.probabilities(batch)).max() < 0.02


def test_only_an_engine_with_a_lane_computes_beside_its_caller(tiny_checkpoint: Path, tiny_engine):
    spec = PreprocessingSpec.load(tiny_checkpoint)
    options = {"precision": "fp32", "max_batch": 4}
    assert not tiny_engine.overlaps
    padded = TorchEngine(tiny_checkpoint, spec, CPU, pad_to_buckets=True, **options)
    assert (padded.overlaps, padded.compiled_buckets) == (True, ())
    compiled = TorchEngine(tiny_checkpoint, spec, CPU, compile=lambda scorer: scorer, **options)
    assert (compiled.overlaps, compiled.compiled_buckets) == (True, (1, 2, 4))


@pytest.mark.parametrize("pad_to_buckets", [False, True])
def test_batches_may_be_started_before_the_rows_of_earlier_ones_are_asked_for(tiny_checkpoint: Path, pad_to_buckets):
    spec = PreprocessingSpec.load(tiny_checkpoint)
    engine = TorchEngine(tiny_checkpoint, spec, CPU, precision="fp32", max_batch=4, pad_to_buckets=pad_to_buckets)
    batches = [random_batch(size) for size in (4, 1, 3, 4, 2)]
    pending = [engine.start(batch) for batch in batches]
    for batch, waiting in zip(batches, pending, strict=True):
        assert np.abs(waiting.rows() - _reference(tiny_checkpoint, batch)).max() < 1e-5


@pytest.mark.parametrize("pad_to_buckets", [False, True])
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_16_bits_stay_close_to_fp32_on_either_way(tiny_checkpoint: Path, precision, pad_to_buckets):
    spec = PreprocessingSpec.load(tiny_checkpoint)
    engine = TorchEngine(tiny_checkpoint, spec, CPU, precision=precision, max_batch=4, pad_to_buckets=pad_to_buckets)
    batch = random_batch(3)
    assert 0 < np.abs(engine.probabilities(batch) - _reference(tiny_checkpoint, batch)).max() < 0.02


def test_a_convolutional_network_has_no_attention_to_choose_and_is_served_alike(tmp_path, tiny_checkpoint: Path):
    torch.manual_seed(3)
    config = MobileNetV2Config(image_size=32, depth_multiplier=0.35, id2label=dict(enumerate(LABELS)))
    MobileNetV2ForImageClassification(config).save_pretrained(tmp_path)
    (tmp_path / SPEC_FILE).write_bytes((tiny_checkpoint / SPEC_FILE).read_bytes())
    spec = PreprocessingSpec.load(tmp_path)
    engine = TorchEngine(tmp_path, spec, CPU, precision="fp32", max_batch=4, compile=lambda scorer: scorer)
    for size in (4, 3, 1):
        batch = random_batch(size)
        assert np.abs(engine.probabilities(batch) - _reference(tmp_path, batch)).max() < 1e-5


def _reference(checkpoint: Path, batch: np.ndarray) -> np.ndarray:
    model = AutoModelForImageClassification.from_pretrained(checkpoint).eval()
    pixels = (torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5
    with torch.inference_mode():
        return model(pixel_values=pixels).logits.softmax(-1).numpy()
