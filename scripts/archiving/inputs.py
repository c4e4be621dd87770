"""Which files an archive is made of, and one digest over all of them: equal digests mean it is up to date."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

from lowering.pictures import Pictures
from lowering.plan import Plan
from trust_nsfw.manifest import MANIFEST_FILE
from trust_nsfw.preprocess import RECORD_FILE
from trust_nsfw.temperature import CALIBRATION_FILE

SCRIPTS = Path(__file__).resolve().parent.parent
HANDLER = SCRIPTS.parent / "handler"
ENTRY = "torchserve_handler.py"
MODEL_CONFIG = "model-config.yaml"
ANY_PLAN = Plan()
CHECKPOINT_PATTERNS = (
    "config.json",
    "preprocessor_config.json",
    "model*.safetensors*",
    "LICENSE*",
    CALIBRATION_FILE,
    RECORD_FILE,
)


def handler_files(handler: Path) -> list[Path]:
    """Return every file of the handler source root, sorted, byte code left out."""
    return sorted(file for file in handler.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


def checkpoint_files(checkpoint: Path) -> list[Path]:
    """Return the files of a checkpoint directory that serving needs, sorted."""
    return sorted({file for pattern in CHECKPOINT_PATTERNS for file in checkpoint.glob(pattern)})


def source_digest(model: Path, model_config: Path, *, explanations: bool = True) -> str:
    """Return one sha256 over all an archive is made of: names and contents, the builder's own code included."""
    builder = [
        SCRIPTS / "build_archive.py",
        *sorted(SCRIPTS.glob("archiving/*.py")),
        *sorted(SCRIPTS.glob("lowering/*.py")),
    ]
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


def is_up_to_date(
    archive: Path, model: Path, model_config: Path, *, explanations: bool = True, plan: Plan = ANY_PLAN
) -> bool:
    """Tell whether an archive exists, is whole, was built from exactly these sources, and as the plan says.

    A plan that leaves everything open takes whatever graph was built, but none that was forced past its gate. Raises
    SettingsError for a plan that can't be carried out.
    """
    try:
        with zipfile.ZipFile(archive) as content:
            manifest = json.loads(content.read(MANIFEST_FILE))
            sources, built, graph = manifest["source_sha256"], manifest["build"], manifest["graph"] or {}
            forced = bool(graph.get("forced"))
    except (OSError, LookupError, ValueError, TypeError, AttributeError, zipfile.BadZipFile):
        return False
    if sources != source_digest(model, model_config, explanations=explanations) or (forced and not plan.force):
        return False
    settled, _ = plan.settled(str(manifest.get("weights")))
    if plan == ANY_PLAN:
        return bool(built["precision"] != "none" or settled.precision == "none" or built["asked"] == "none")
    wanted = build_record(plan, settled, Pictures.read(plan.calibration_images, plan.gate_images))
    return all(built.get(key) == value for key, value in wanted.items() if key != "asked")


def build_record(plan: Plan, settled: Plan, pictures: Pictures) -> dict[str, Any]:
    """Return what a manifest says of the plan its graph was built by; folders by the digest of their contents."""
    return {
        "asked": plan.precision,
        "precision": settled.precision,
        "merge_tokens": settled.merge_tokens,
        "calibration": pictures.calibration and pictures.calibration.digest,
        "gate": pictures.gate and pictures.gate.digest,
    }
