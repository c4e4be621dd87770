"""How many threads torch computes with while it trains on a CPU."""

import torch

SMALL_PARAMETERS = 10_000_000
"""A smaller model's operations are over in microseconds, so threads mostly wait for each other, and on a busy machine
for a core to wait on: a ViT of 2 layers of 48 features took 8 ms a step of 8 images with one thread and 670 with two
(two cores, both busy otherwise). ViT-B/16 has 86 million."""


def threads_for(model: torch.nn.Module, wanted: int | None) -> int:
    """Return `wanted`, else 1 for a small model, else as many as torch takes of itself."""
    if wanted is not None:
        return wanted
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return 1 if parameters < SMALL_PARAMETERS else torch.get_num_threads()
