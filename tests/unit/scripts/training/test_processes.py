"""One process for each GPU."""

import pytest

from training.processes import process_count, refuse_idle_gpus
from training.settings import TrainingError


def test_several_gpus_and_one_process_are_refused_with_both_ways_out(monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(TrainingError, match=r"4 GPUs.*torchrun --nproc-per-node 4.*CUDA_VISIBLE_DEVICES=0"):
        refuse_idle_gpus(4)
    refuse_idle_gpus(1)
    refuse_idle_gpus(0)
    monkeypatch.setenv("LOCAL_RANK", "0")
    refuse_idle_gpus(4)


def test_torchrun_says_how_many_processes_there_are(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert process_count() == 1
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert process_count() == 3
