import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import ViTConfig

from model_sources import random_vit
from trust_nsfw.engines.compilation import CACHE_VARIABLE, MOST_VARIANTS, reduce_overhead, use_stable_cache
from trust_nsfw.engines.scorer import Scorer
from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.preprocess import PreprocessingSpec

ONE_LAYER = ViTConfig(
    hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=16, patch_size=8
)


def test_artefacts_are_kept_in_a_private_folder_of_the_users_cache(tmp_path):
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    use_stable_cache(environment)
    assert environment[CACHE_VARIABLE] == str(tmp_path / "cache/trust-nsfw/inductor")
    assert (tmp_path / "cache/trust-nsfw").stat().st_mode & 0o777 == 0o700
    again = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    use_stable_cache(again)
    assert again == environment


@pytest.mark.parametrize("named", [{}, {"XDG_CACHE_HOME": ""}, {"XDG_CACHE_HOME": "relative"}])
def test_without_a_cache_folder_of_its_own_the_home_has_one(tmp_path, monkeypatch, named):
    monkeypatch.setenv("HOME", str(tmp_path))
    environment = dict(named)
    use_stable_cache(environment)
    assert environment[CACHE_VARIABLE] == str(tmp_path / ".cache/trust-nsfw/inductor")


def test_a_folder_that_was_chosen_is_left_alone(tmp_path):
    environment = {"XDG_CACHE_HOME": str(tmp_path), CACHE_VARIABLE: "/elsewhere"}
    use_stable_cache(environment)
    assert environment[CACHE_VARIABLE] == "/elsewhere"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_others_can_write_to_is_not_trusted(tmp_path, caplog):
    (tmp_path / "trust-nsfw").mkdir()
    (tmp_path / "trust-nsfw").chmod(0o777)
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    use_stable_cache(environment)
    assert CACHE_VARIABLE not in environment
    assert "compiled artefacts will not outlive this start" in caplog.text


def test_a_link_or_file_in_the_folders_place_is_not_followed(tmp_path, caplog):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/trust-nsfw").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").mkdir()
    (tmp_path / "file/trust-nsfw").touch()
    for name in ("linked", "file"):
        environment = {"XDG_CACHE_HOME": str(tmp_path / name)}
        use_stable_cache(environment)
        assert CACHE_VARIABLE not in environment
    assert caplog.text.count("will not outlive") == 2


@pytest.mark.skipif(shutil.which("g++") is None, reason="on a CPU, inductor needs a C++ compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::ResourceWarning")
def test_the_compiler_for_gpus_compiles_on_a_cpu_too_and_keeps_its_artefacts(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, "")  # so that it is put back as it was
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    checkpoint = tmp_path / "one-layer"
    checkpoint.mkdir()
    random_vit.write(checkpoint, ONE_LAYER)
    spec = PreprocessingSpec.load(checkpoint)
    limits = []

    def watched(scorer: Scorer):
        run = reduce_overhead(scorer)
        limits.append(torch._dynamo.config.recompile_limit)  # which is the thread's own
        return run

    options = {"precision": "fp32", "max_batch": 1}
    engine = TorchEngine(checkpoint, spec, torch.device("cpu"), compile=watched, **options)
    assert engine.compiled_buckets == (1,)
    assert limits == [MOST_VARIANTS]
    batch = np.random.default_rng(5).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    eager = TorchEngine(checkpoint, spec, torch.device("cpu"), **options)
    assert np.abs(engine.probabilities(batch) - eager.probabilities(batch)).max() < 1e-5
    folder = Path(os.environ[CACHE_VARIABLE])
    assert folder == tmp_path / "cache/trust-nsfw/inductor"
    assert any(folder.rglob("fxgraph/**/*"))
