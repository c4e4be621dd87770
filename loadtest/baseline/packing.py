"""Packs the baseline: python loadtest/bench.py does it by itself."""

from pathlib import Path

from archiving.inputs import checkpoint_files
from measuring import archives

FOLDER = Path(__file__).resolve().parent
MODEL_NAME = "stock"
HANDLER = FOLDER / "stock_handler.py"
MODEL_CONFIG = FOLDER / "model-config.yaml"
NO_OPENVINO = FOLDER / "openvino.py"


def pack(checkpoint: Path, out: Path, handler: Path = HANDLER) -> None:
    """Pack a checkpoint directory with a handler. Raises BuildError."""
    archives.pack(MODEL_NAME, handler, MODEL_CONFIG, [*checkpoint_files(checkpoint), NO_OPENVINO], out)
