"""What a training leaves can be read by whoever reads JSON."""

import json
import math
from dataclasses import asdict

from training import base, result
from training.settings import TrainingSettings
from trust_nsfw.preprocess import PreprocessingSpec

EVALUATED = {
    "eval_loss": 0.2,
    "eval_accuracy": 0.9,
    "eval_recall_explicit": math.nan,
    "eval_ece": 0.1,
    "eval_ece_left": 0.05,
}


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_a_figure_that_is_not_finite_is_null_in_the_card(tiny_checkpoint, tmp_path):
    best = {"step": 2, "epoch": 1.0, "selection": 0.5, "eval_selection": 0.5, **EVALUATED}
    card = {
        "name": "mine",
        "started_utc": "2026-01-01 00:00 UTC",
        "seconds": 1.0,
        "resumed": False,
        "device": "CPU",
        "base": "tiny",
        "base_revision": None,
        "preprocessing": "p" * 8,
        "revision": "r" * 8,
        "settings": asdict(TrainingSettings()),
        "data": {
            "folder": "data",
            "fingerprint": "f" * 8,
            "train": 1,
            "validation": 1,
            "validation_explicit": 0,
            "validation_others": 1,
        },
        "best": best | {"eval_threshold_explicit": math.inf},
        "ended": "Ended after step 2 of 2.",
        "history": [{"loss": 1.0, "grad_norm": math.nan, "step": 1, "epoch": 0.5, "learning_rate": 0.1}, best],
        "versions": {"torch": "2"},
    }
    spec = PreprocessingSpec.load(tiny_checkpoint)
    result.write(tmp_path / "mine", base.load(tiny_checkpoint, 1), tiny_checkpoint, spec, card, logs=tmp_path / "none")
    written = json.loads((tmp_path / "mine/run_card.json").read_text(), parse_constant=refuse)
    assert written["history"][0]["grad_norm"] is None
    assert written["best"]["eval_threshold_explicit"] is None
    assert written["best"]["step"] == 2
