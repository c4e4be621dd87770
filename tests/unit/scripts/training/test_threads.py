"""How many threads compute."""

import torch

from training.threads import SMALL_PARAMETERS, threads_for


def test_a_small_model_gets_one_and_a_large_one_what_torch_takes():
    small = torch.nn.Linear(4, 4)
    large = torch.nn.Module()
    large.weight = torch.nn.Parameter(torch.empty(SMALL_PARAMETERS, device="meta"))
    assert threads_for(small, None) == 1
    assert threads_for(large, None) == torch.get_num_threads()
    assert threads_for(small, 3) == 3
