"""Stage an archive, make its graph, record its golden pairs, package it, and put it in place with one rename."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from archiving.golden import golden_pairs
from archiving.inputs import (
    ANY_PLAN,
    ENTRY,
    HANDLER,
    MODEL_CONFIG,
    build_record,
    checkpoint_files,
    handler_files,
    source_digest,
)
from lowering.errors import UntraceableError
from lowering.pictures import Pictures
from lowering.plan import Plan
from model_sources.publication import alone_in
from model_sources.record import SourceRecord
from model_sources.verification import verify
from trust_nsfw import strict_yaml
from trust_nsfw.checkpoint import read_labels, weights_sha256
from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.errors import CheckpointError, PolicyError, SettingsError
from trust_nsfw.manifest import CHECKPOINT_FOLDER, Graph, Manifest
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy import decide
from trust_nsfw.policy_file import load_policies, load_policy_file
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.service import MODEL_NAME, POLICIES_FOLDER
from trust_nsfw.settings import Settings
from trust_nsfw.temperature import read_temperature, require_calibrated_for

VERSION = "1.0"
SCRATCH = ".build-"


def build(model: Path, model_config: Path, out: Path, *, explanations: bool = True, plan: Plan = ANY_PLAN) -> str:
    """Stage, make and prove the graph, record the golden pairs, package, then put the archive in place with one rename.

    Returns what the plan settled on, and why. Raises StartupError when the checkpoint, a policy or the settings cannot
    be served, or when a lossy graph does not pass its gate.
    """
    if not model.is_dir():
        raise CheckpointError(f"{model} is not a directory; scripts/fetch_model.py makes one")
    settled, reason = plan.settled(SourceRecord.read(model).weights)
    pictures = Pictures.read(plan.calibration_images, plan.gate_images)
    verify(model)
    sha256 = weights_sha256(model)
    require_calibrated_for(model, sha256)
    settings = Settings.parse(read_model_config(model_config))
    check_policies(HANDLER / POLICIES_FOLDER)
    with alone_in(out.parent), tempfile.TemporaryDirectory(prefix=SCRATCH, dir=out.parent) as folder:
        remove_leftovers(out.parent, Path(folder))
        stage = Path(folder) / "stage"
        stage_files(stage, model, model_config)
        reference = reference_pipeline(stage, settings)
        try:
            graph = make_graph(stage, settled, pictures, reference, SourceRecord.read(model).weights)
        except UntraceableError as error:
            if plan.precision != "auto" or settled.lossy:
                raise
            graph, reason = None, f"torch will serve: {error}"
        describe(
            stage,
            SourceRecord.read(model),
            reference,
            sha256=sha256,
            source_sha256=source_digest(model, model_config, explanations=explanations),
            explanations=explanations,
            graph=graph,
            build=build_record(plan, settled, pictures),
        )
        if graph is not None and not explanations:
            leave_out_weights(stage)
        package(stage, Path(folder)).replace(out)
    return reason


def remove_leftovers(store: Path, ours: Path) -> None:
    """Remove what builds that were killed left; nobody else builds here while we do."""
    for folder in store.glob(f"{SCRATCH}*"):
        if folder != ours:
            shutil.rmtree(folder)


def read_model_config(model_config: Path) -> dict[str, Any]:
    """Read model-config.yaml; raises SettingsError."""
    try:
        content = strict_yaml.load(model_config)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    if not isinstance(content, dict):
        raise SettingsError(f"{model_config} holds no keys and values")
    return content


def check_policies(policies: Path) -> None:
    """Run the examples that policy files carry; raises PolicyError at the first that does not hold."""
    for file in sorted(policies.glob("*.yaml")):
        loaded = load_policy_file(file)
        for index, example in enumerate(loaded.tests):
            if (action := decide(example.scores, loaded.policy).action) is not example.action:
                raise PolicyError(f"{file}: tests[{index}] expects {example.action}, the rules give {action}")


def stage_files(stage: Path, model: Path, model_config: Path) -> None:
    """Lay out the archive's root; the checkpoint's files are linked, not copied."""
    for file in handler_files(HANDLER):
        target = stage / file.relative_to(HANDLER)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    shutil.copyfile(model_config, stage / MODEL_CONFIG)
    (stage / CHECKPOINT_FOLDER).mkdir()
    for file in checkpoint_files(model):
        (stage / CHECKPOINT_FOLDER / file.name).symlink_to(file.resolve())


def reference_pipeline(stage: Path, settings: Settings) -> Pipeline:
    """Return a pipeline over the staged checkpoint in fp32, which every graph and golden pair is measured by."""
    checkpoint = stage / CHECKPOINT_FOLDER
    spec = PreprocessingSpec.load(checkpoint)
    max_batch = settings.engine.max_batch
    engine = TorchEngine(checkpoint, spec, torch.device("cpu"), precision="fp32", max_batch=max_batch)
    return Pipeline(engine, spec, load_policies(stage / POLICIES_FOLDER), settings)


def make_graph(stage: Path, plan: Plan, pictures: Pictures, reference: Pipeline, weights: str) -> Graph | None:
    """Write the graph that a settled plan asks for, none where it asks for none.

    Raises GateError where it is lossy and decides otherwise, UntraceableError where OpenVINO can't make one.
    """
    if plan.precision == "none":
        return None
    from lowering.lower import lower  # noqa: PLC0415 - brings OpenVINO, which not every machine has

    return lower(stage, plan, pictures, reference, weights)


def describe(
    stage: Path,
    source: SourceRecord,
    reference: Pipeline,
    *,
    sha256: str,
    source_sha256: str,
    explanations: bool,
    graph: Graph | None,
    build: dict[str, Any],
) -> None:
    """Write manifest.json, with golden pairs scored by the fp32 reference."""
    checkpoint = stage / CHECKPOINT_FOLDER
    spec = PreprocessingSpec.load(checkpoint)
    Manifest(
        checkpoint=source.checkpoint,
        revision=source.revision,
        sha256=sha256,
        weights=source.weights,
        labels=read_labels(checkpoint),
        preprocessing=spec,
        fingerprint=spec.fingerprint,
        source_sha256=source_sha256,
        explanations=explanations,
        golden=golden_pairs(reference),
        graph=graph,
        temperature=read_temperature(checkpoint),
        build=build,
    ).write(stage)


def leave_out_weights(stage: Path) -> None:
    """Drop what only explanations and the torch engine read."""
    for file in (stage / CHECKPOINT_FOLDER).glob("model*.safetensors*"):
        file.unlink()


def package(stage: Path, folder: Path) -> Path:
    """Run torch-model-archiver, which empties $TMPDIR/<model name>: hence a TMPDIR of its own. Returns the archive."""
    (folder / "tmp").mkdir()
    command: list[str | Path] = [
        Path(sys.executable).with_name("torch-model-archiver"),
        *("--model-name", MODEL_NAME, "--version", VERSION, "--archive-format", "zip-store"),
        *("--handler", stage / ENTRY, "--config-file", stage / MODEL_CONFIG, "--extra-files", stage),
        *("--export-path", folder),
    ]
    done = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(folder / "tmp")}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise CheckpointError(f"torch-model-archiver failed: {done.stderr.strip()}")
    return folder / f"{MODEL_NAME}.mar"
