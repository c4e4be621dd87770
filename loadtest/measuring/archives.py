"""Archives to measure: built, taken apart, and put together again with other settings."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from measuring import ROOT
from trust_nsfw.checkpoint import weights_sha256

BUILD = ROOT / "scripts/build_archive.py"
MODEL_CONFIG_FILE = "model-config.yaml"
MANIFEST_FILE = "manifest.json"
MODEL_CONFIG = ROOT / "handler" / MODEL_CONFIG_FILE

Changes = Mapping[str, Any]
"""New values by dotted key of model-config.yaml: {"batchSize": 4, "trust_nsfw.engine.threads": 1}."""


class BuildError(RuntimeError):
    """An archive could not be built; the message says by what."""


def build(model: Path, config: Path, out: Path, options: Sequence[str] = ()) -> None:
    """Build our archive; the one place here that knows how: by scripts/build_archive.py, in its own memory.

    `options` are further arguments for it, as typed. Raises BuildError, its reason being on stderr already.
    """
    command: list[str | Path] = [
        sys.executable,
        BUILD,
        "--model",
        model,
        "--model-config",
        config,
        "--out",
        out,
        *options,
    ]
    if status := subprocess.run(command, check=False).returncode:
        raise BuildError(f"{' '.join(map(str, command))} ended with status {status}")


def pack(name: str, handler: Path, config: Path, files: Sequence[Path], out: Path) -> None:
    """Pack a handler of one file with others beside it by torch-model-archiver. Raises BuildError."""
    with tempfile.TemporaryDirectory(prefix=".pack-", dir=out.parent) as folder:
        tmp = Path(folder, "tmp")  # the archiver empties $TMPDIR/<model name>
        tmp.mkdir()
        command: list[str | Path] = [
            Path(sys.executable).with_name("torch-model-archiver"),
            *("--model-name", name, "--version", "1.0", "--archive-format", "zip-store"),
            *("--handler", handler, "--config-file", config),
            *("--extra-files", ",".join(map(str, files))),
            *("--export-path", folder),
        ]
        done = subprocess.run(
            command, env={**os.environ, "TMPDIR": str(tmp)}, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise BuildError(f"torch-model-archiver failed: {done.stderr.strip()}")
        Path(folder, f"{name}.mar").replace(out)


@dataclass(frozen=True, slots=True)
class Archive:
    """A built archive under the name that figures carry."""

    name: str
    file: Path

    def unpack(self, folder: Path) -> Path:
        """Unpack into a new folder, as TorchServe does; returns it."""
        with zipfile.ZipFile(self.file) as archive:
            archive.extractall(folder)
        return folder

    def model_config(self) -> Any:
        """Return the parsed model-config.yaml inside."""
        with zipfile.ZipFile(self.file) as archive:
            return yaml.safe_load(archive.read(MODEL_CONFIG_FILE))

    def require_weights(self, model: Path) -> None:
        """Raise ValueError when the archive was built from other weights than those of a checkpoint directory."""
        with zipfile.ZipFile(self.file) as archive:
            inside = json.loads(archive.read(MANIFEST_FILE))["sha256"]
        if inside != (wanted := weights_sha256(model)):
            raise ValueError(f"{self.file} holds the weights {inside[:12]}..., {model} those of {wanted[:12]}...")

    def with_settings(self, changes: Changes, out: Path) -> None:
        """Write a copy with other settings, stored as the original is. Raises KeyError for a section it lacks."""
        config = changed(self.model_config(), changes)
        with zipfile.ZipFile(self.file) as archive, zipfile.ZipFile(out, "w") as copy:
            for entry in archive.infolist():
                if entry.filename == MODEL_CONFIG_FILE:
                    copy.writestr(entry, yaml.safe_dump(config, sort_keys=False))
                elif entry.is_dir():
                    copy.writestr(entry, b"")
                else:
                    with archive.open(entry) as source, copy.open(entry, "w", force_zip64=True) as target:
                        shutil.copyfileobj(source, target, 2**20)


def changed(config: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """Return a model-config with values replaced or added; raises KeyError for a section that isn't there."""
    result = _copy(config)
    for dotted, value in changes.items():
        *sections, key = dotted.split(".")
        inner = result
        for section in sections:
            inner = inner[section]
        inner[key] = value
    return result


def _copy(config: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, Mapping) else value for key, value in config.items()}
