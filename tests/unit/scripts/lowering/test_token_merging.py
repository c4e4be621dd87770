from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageClassification

from lowering.token_merging import MergingViT, TokenMerge, _attend
from trust_nsfw.engines.classifier import Classifier
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import PreprocessingSpec


@pytest.fixture(scope="module")
def vit(tiny_checkpoint: Path):
    return AutoModelForImageClassification.from_pretrained(tiny_checkpoint).eval()


def merge(hidden: torch.Tensor, count: int, sizes: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Merge on the tokens' own likeness."""
    return TokenMerge(count)(hidden, torch.ones_like(hidden[..., :1]) if sizes is None else sizes, hidden)


def test_the_most_similar_pair_becomes_its_average_and_all_others_stay():
    tokens = torch.tensor([[[1.0, 0, 0], [0, 1, 0], [0, 0.1, 3], [0, 0, 1], [-1, -1, 0]]])
    merged, sizes = merge(tokens, 1)
    assert merged.tolist() == [[[1, 0, 0], [-1, -1, 0], [0, 1, 0], [0, pytest.approx(0.05), 2]]]
    assert sizes[0, :, 0].tolist() == [1, 1, 1, 2]


def test_a_token_weighs_as_many_patches_as_it_stands_for():
    tokens = torch.tensor([[[1.0, 0], [0, 1], [0, 4]]])
    merged, sizes = merge(tokens, 1, sizes=torch.tensor([[[1.0], [1], [3]]]))
    assert merged.tolist() == [[[1, 0], [0, pytest.approx((1 + 3 * 4) / 4)]]]
    assert sizes[0, :, 0].tolist() == [1, 4]


def test_several_tokens_may_join_the_same_one_and_sizes_keep_their_sum():
    torch.manual_seed(1)
    tokens = torch.randn(3, 17, 6)
    for count in range(1, 9):
        merged, sizes = merge(tokens, count)
        assert merged.shape == (3, 17 - count, 6)
        assert torch.allclose(sizes.sum(dim=1), torch.tensor(17.0))
        assert torch.allclose((merged * sizes).sum(dim=1), tokens.sum(dim=1), atol=1e-5)


def test_the_first_token_is_never_merged_away_however_alike():
    tokens = torch.ones(2, 9, 4)
    tokens[:, 0] *= 2
    merged, sizes = merge(tokens, 4)
    assert torch.equal(merged[:, 0], tokens[:, 0])
    assert sizes[:, 0].tolist() == [[1], [1]]


def test_images_of_a_batch_merge_each_for_itself(vit):
    model = MergingViT(vit, 3).eval()
    torch.manual_seed(2)
    pixels = torch.rand(4, 3, 32, 32)
    with torch.inference_mode():
        together = model(pixels).logits
        alone = torch.cat([model(pixels[index : index + 1]).logits for index in range(4)])
    assert torch.allclose(together, alone, atol=1e-5)


def test_attention_is_the_models_own(vit):
    layer = vit.vit.layers[0]
    torch.manual_seed(3)
    hidden = torch.randn(2, 17, vit.config.hidden_size)
    with torch.inference_mode():
        attended, keys = _attend(layer.attention, hidden)
        assert torch.allclose(attended, layer.attention(hidden)[0], atol=1e-5)
    assert keys.shape == (2, 17, layer.attention.head_dim)


def test_all_but_the_merging_is_the_model_itself(vit):
    model = MergingViT(vit, 1).eval()
    model.merging = torch.nn.ModuleList(_Unmerged() for _ in vit.vit.layers)
    torch.manual_seed(4)
    pixels = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        assert torch.allclose(model(pixels).logits, vit(pixel_values=pixels).logits, atol=1e-5)


class _Unmerged(torch.nn.Module):
    def forward(self, hidden, sizes, keys):
        return hidden, sizes


@pytest.mark.parametrize("count", [0, -1, 8])
def test_more_tokens_than_there_are_cannot_be_merged(vit, count):
    with pytest.raises(CheckpointError, match=f"{count} tokens a layer can't be merged; from 1 to 7 of 17 can"):
        MergingViT(vit, count)


def test_what_is_no_vit_has_no_tokens_to_merge(starter_checkpoint):
    spec = PreprocessingSpec.load(starter_checkpoint)
    starter = Classifier.load(starter_checkpoint, spec, torch.device("cpu"), torch.float32).model
    with pytest.raises(CheckpointError, match="tokens of a NsfwjsMobileNet"):
        MergingViT(starter, 8)
