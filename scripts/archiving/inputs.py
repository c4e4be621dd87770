"""Which files an archive is made of, and one digest over all of them: equal digests mean it is up to date."""

import hashlib
import json
import zipfile
from pathlib import Path

from trust_nsfw.manifest import MANIFEST_FILE

SCRIPTS = Path(__file__).resolve().parent.parent
HANDLER = SCRIPTS.parent / "handler"
ENTRY = "torchserve_handler.py"
MODEL_CONFIG = "model-config.yaml"
CHECKPOINT_PATTERNS = ("config.json", "preprocessor_config.json", "model*.safetensors*", "LICENSE*")


def handler_files(handler: Path) -> list[Path]:
    """Return every file of the handler source root, sorted, byte code left out."""
    return sorted(file for file in handler.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def checkpoint_files(checkpoint: Path) -> list[Path]:
    """Return the files of a checkpoint directory that serving needs, sorted."""
    return sorted({file for pattern in CHECKPOINT_PATTERNS for file in checkpoint.glob(pattern)})


def source_digest(model: Path, model_config: Path, *, explanations: bool = True) -> str:
    """Return one sha256 over all an archive is made of: names and contents, the builder's own code included."""
    builder = [SCRIPTS / "build_archive.py", *sorted(SCRIPTS.glob("archiving/*.py"))]
    groups = (
        ("handler", HANDLER, handler_files(HANDLER)),
        ("config", model_config.parent, [model_config]),
        ("checkpoint", model, [*checkpoint_files(model), *model.glob("source.json")]),
        ("builder", SCRIPTS, builder),
    )
    total = hashlib.sha256(b"" if explanations else b"without explanations\n")
    for group, root, files in groups:
        for file in files:
            with file.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            total.update(f"{group}/{file.relative_to(root).as_posix()} {content}\n".encode())
    return total.hexdigest()


def is_up_to_date(archive: Path, model: Path, model_config: Path, *, explanations: bool = True) -> bool:
    """Tell whether an archive exists, is whole and was built from exactly these sources."""
    try:
        with zipfile.ZipFile(archive) as content:
            manifest = json.loads(content.read(MANIFEST_FILE))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile):
        return False
    wanted = source_digest(model, model_config, explanations=explanations)
    return isinstance(manifest, dict) and manifest.get("source_sha256") == wanted
