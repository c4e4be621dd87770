from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from trust_nsfw.engines.classifier import Classifier
from trust_nsfw.engines.scorer import Scorer
from trust_nsfw.errors import InternalError
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import Scores

CPU = torch.device("cpu")


def classifier(checkpoint: Path, dtype: torch.dtype = torch.float32) -> Classifier:
    return Classifier.load(checkpoint, PreprocessingSpec.load(checkpoint), CPU, dtype)


def random_batch(size: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(size).integers(0, 256, (size, 32, 32, 3), dtype=np.uint8))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_patch_embedding_takes_channels_last_pixels_that_nobody_transposed(tiny_checkpoint, dtype):
    loaded = classifier(tiny_checkpoint, dtype)
    scorer = Scorer(loaded).to(memory_format=torch.channels_last)
    seen = []
    [convolution] = [module for module in loaded.model.modules() if isinstance(module, nn.Conv2d)]
    convolution.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        rows = scorer(random_batch(3))
    assert seen[0].dtype == dtype
    assert seen[0].is_contiguous(memory_format=torch.channels_last)
    assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
    assert rows.dtype == torch.float32


@torch.inference_mode()
def test_a_row_with_one_infinite_logit_is_no_scores_and_its_neighbours_are(tiny_checkpoint):
    loaded = classifier(tiny_checkpoint)
    scorer, batch = Scorer(loaded), random_batch(3)
    before = scorer(batch)

    def overflow(module, inputs, logits):
        logits[1, 3] = -torch.inf
        return logits

    loaded.model.classifier.register_forward_hook(overflow)
    rows = scorer(batch)
    assert torch.equal(rows[[0, 2]], before[[0, 2]])
    assert rows[1].isnan().all()
    with pytest.raises(InternalError):
        Scores.from_probabilities(rows[1].tolist())


@torch.inference_mode()
def test_an_fp16_overflow_to_minus_infinity_never_reads_as_probability_0(tiny_checkpoint):
    loaded = classifier(tiny_checkpoint, torch.float16)
    loaded.model.classifier.bias[3] = -70_000.0  # beyond fp16: -inf, whose softmax would be a clean 0
    assert Scorer(loaded)(random_batch(2)).isnan().all()
