"""A pipeline on a tiny model, in-process."""

from pathlib import Path

import pytest
import torch

from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy_file import load_policies
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.settings import Settings

POLICIES = Path(__file__).resolve().parents[2] / "handler/policies"


@pytest.fixture(scope="session")
def tiny_engine(tiny_checkpoint: Path) -> TorchEngine:
    spec = PreprocessingSpec.load(tiny_checkpoint)
    return TorchEngine(tiny_checkpoint, spec, torch.device("cpu"), precision="fp32", max_batch=4)


@pytest.fixture(scope="session")
def tiny_pipeline(tiny_checkpoint: Path, tiny_engine: TorchEngine) -> Pipeline:
    return Pipeline(tiny_engine, PreprocessingSpec.load(tiny_checkpoint), load_policies(POLICIES), Settings())
