"""Token merging: a ViT that carries fewer tokens from layer to layer, for tracing into an inference graph.

Bolya, Fu, Dai, Zhang, Feichtenhofer, Hoffman: Token Merging: Your ViT But Faster, ICLR 2023. After each layer's
attention the r tokens most like another are averaged into it. Tokens are split into two alternating sets, A (even
positions) and B (odd); each of A proposes its most similar of B by the cosine of its keys, averaged over the heads, and
the r best proposals are carried out, weighted by how many patches a token stands for. The first token, which
classifies, is never merged away. Of the paper's proportional attention, which adds log(size) to the scores, nothing is
kept: it keeps the runtime from fusing attention.
"""

from typing import Any

import torch
from torch import nn
from transformers import ViTForImageClassification
from transformers.modeling_outputs import ImageClassifierOutput

from trust_nsfw.errors import CheckpointError

MERGING = "merging"
"""Attribute that holds the merging layers, and so a part of the names of their operations in a traced graph."""

MIN_TOKENS = 2
"""What must be left after the last layer: the classifying token and one other."""


class MergingViT(nn.Module):
    """A transformers ViT classifier whose layers merge tokens; takes and gives what the model itself does."""

    def __init__(self, model: nn.Module, tokens_per_layer: int) -> None:
        """Wrap a loaded model; raises CheckpointError where it has no tokens left to merge."""
        super().__init__()
        if not isinstance(model, ViTForImageClassification):
            raise CheckpointError(f"tokens of a {type(model).__name__} can't be merged; a ViT's can")
        self.vit: Any = model.vit
        self.classifier: Any = model.classifier
        tokens, layers = model.vit.embeddings.patch_embeddings.num_patches + 1, model.config.num_hidden_layers
        most = (tokens - MIN_TOKENS) // layers
        if not 0 < tokens_per_layer <= most:
            raise CheckpointError(
                f"{tokens_per_layer} tokens a layer can't be merged; from 1 to {most} of {tokens} can"
            )
        self.merging = nn.ModuleList(TokenMerge(tokens_per_layer) for _ in range(layers))
        self.dtype = model.dtype

    def forward(self, pixel_values: torch.Tensor) -> ImageClassifierOutput:
        """Classify float [B, 3, H, W]; the output's logits, float [B, labels], differ by the merging alone."""
        vit = self.vit
        hidden = vit.embeddings(pixel_values)
        sizes = torch.ones_like(hidden[..., :1])
        for layer, merge in zip(vit.layers, self.merging, strict=True):
            attended, keys = _attend(layer.attention, layer.layernorm_before(hidden))
            hidden, sizes = merge(hidden + attended, sizes, keys)
            hidden = hidden + layer.mlp(layer.layernorm_after(hidden))
        return ImageClassifierOutput(logits=self.classifier(vit.layernorm(hidden)[:, 0]))


class TokenMerge(nn.Module):
    """One layer's merging; a module, so that its operations carry a name by which quantization can leave them out."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count

    def forward(
        self, hidden: torch.Tensor, sizes: torch.Tensor, keys: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Average the `count` most similar pairs of tokens.

        `hidden` float [B, N, D], `sizes` float [B, N, 1] (patches each token stands for), `keys` float [B, N, K] (what
        similarity is measured on). Returns hidden [B, N - count, D] and sizes [B, N - count, 1]; the first token stays
        first, the order of the others changes. Sizes keep their sum.
        """
        even, odd = _halves(keys / keys.norm(dim=-1, keepdim=True))
        best, partner = (even @ odd.transpose(1, 2)).max(dim=-1)
        never = torch.full_like(best[:, :1], -2)  # below any cosine: the first token stays
        order = torch.cat([never, best[:, 1:]], dim=1).argsort(dim=-1, descending=True)
        leaves = order.argsort(dim=-1) < self.count

        # Selections are products with matrices of zeros and ones: runtimes are faster at those than at gathering.
        into = torch.arange(odd.shape[1], device=hidden.device)[None, :, None] == partner[:, None, :]
        moves = (into & leaves[:, None, :]).to(hidden.dtype)
        kept = order[:, self.count :].sort(dim=-1).values
        stays = (kept[..., None] == torch.arange(even.shape[1], device=hidden.device)).to(hidden.dtype)
        sums = _regrouped(hidden * sizes, stays, moves)
        new_sizes = _regrouped(sizes, stays, moves)
        return sums / new_sizes, new_sizes


def _regrouped(tokens: torch.Tensor, stays: torch.Tensor, moves: torch.Tensor) -> torch.Tensor:
    """Return the staying even tokens, then the odd ones with what moves into them: [B, N, D] -> [B, N - count, D]."""
    even, odd = _halves(tokens)
    return torch.cat([stays @ even, odd + moves @ even], dim=1)


def _attend(attention: Any, normed: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the attention block's output and its keys averaged over the heads, float [B, N, head_dim]."""
    heads = (*normed.shape[:-1], -1, attention.head_dim)
    query, key, value = (
        projection(normed).view(heads).transpose(1, 2)
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    mixed = nn.functional.scaled_dot_product_attention(query, key, value, scale=attention.scaling)
    return attention.o_proj(mixed.transpose(1, 2).flatten(2)), key.mean(dim=1)


def _halves(tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Split [B, N, D] into the tokens at even and at odd positions."""
    return tokens[:, ::2], tokens[:, 1::2]
