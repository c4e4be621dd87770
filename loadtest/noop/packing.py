"""Packs the no-op: python loadtest/generator_bench.py does it by itself."""

import tempfile
from pathlib import Path

from measuring import ROOT, archives
from noop.noop_handler import ANSWER_FILE
from trust_nsfw.policy import decide
from trust_nsfw.policy_file import load_policies
from trust_nsfw.schema import Answer, ImageInfo, Item, ModelInfo, Request, Scores, Verdict
from trust_nsfw.service import MODEL_NAME
from trust_nsfw.wire.rendering import render

FOLDER = Path(__file__).resolve().parent
HANDLER = FOLDER / "noop_handler.py"
MODEL_CONFIG = FOLDER / "model-config.yaml"
# A clear case, so that the action is the same under every shipped policy.
SCORES = Scores(drawing=0.02, hentai=0.01, neutral=0.9, porn=0.03, sexy=0.04)
MODEL = ModelInfo(MODEL_NAME, "1.0", "noop", "0" * 64, "untrained", "none", "none")


def pack(out: Path, handler: Path = HANDLER) -> None:
    """Pack a handler and the answer that it gives. Raises BuildError."""
    with tempfile.TemporaryDirectory() as folder:
        (answer_file := Path(folder, ANSWER_FILE)).write_bytes(answer())
        archives.pack(MODEL_NAME, handler, MODEL_CONFIG, [answer_file], out)


def answer() -> bytes:
    """Return what the real service says of one image with SCORES; only its sha256 is left open."""
    policy = load_policies(ROOT / "handler/policies")["default"]
    verdict = Verdict(SCORES, decide(SCORES, policy), ImageInfo("", "JPEG", 1, 1))
    return render(Answer(policy.name, policy.version, (verdict,)), Request((Item(b""),)), MODEL).body
