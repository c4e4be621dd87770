"""Packs the baseline: python loadtest/bench.py does it by itself."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from archiving.inputs import checkpoint_files
from measuring.archives import BuildError

FOLDER = Path(__file__).resolve().parent
MODEL_NAME = "stock"
HANDLER = FOLDER / "stock_handler.py"
MODEL_CONFIG = FOLDER / "model-config.yaml"
NO_OPENVINO = FOLDER / "openvino.py"


def pack(checkpoint: Path, out: Path, handler: Path = HANDLER) -> None:
    """Pack a checkpoint directory with a handler by torch-model-archiver. Raises BuildError."""
    with tempfile.TemporaryDirectory(prefix=".pack-", dir=out.parent) as folder:
        tmp = Path(folder, "tmp")  # the archiver empties $TMPDIR/<model name>
        tmp.mkdir()
        command: list[str | Path] = [
            Path(sys.executable).with_name("torch-model-archiver"),
            *("--model-name", MODEL_NAME, "--version", "1.0", "--archive-format", "zip-store"),
            *("--handler", handler, "--config-file", MODEL_CONFIG),
            *("--extra-files", ",".join(map(str, [*checkpoint_files(checkpoint), NO_OPENVINO]))),
            *("--export-path", folder),
        ]
        done = subprocess.run(
            command, env={**os.environ, "TMPDIR": str(tmp)}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise BuildError(f"torch-model-archiver failed: {done.stderr.strip()}")
        Path(folder, f"{MODEL_NAME}.mar").replace(out)
