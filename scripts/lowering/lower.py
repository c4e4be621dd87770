"""A settled plan -> the archive's graph, written, gated where it is lossy, and described."""

from dataclasses import replace
from pathlib import Path

from archiving.golden import golden_pairs
from lowering.calibration import calibration_inputs
from lowering.gate import GateError, measure
from lowering.graph import quantized, save, trace, with_quantized_weights
from lowering.pictures import PictureFolder
from lowering.plan import Plan
from trust_nsfw.checkpoint import file_sha256
from trust_nsfw.engines.openvino_engine import OpenVinoEngine
from trust_nsfw.manifest import CHECKPOINT_FOLDER, GRAPH_FILE, Graph
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.preprocess import PreprocessingSpec

MAX_BATCH = 8


def lower(stage: Path, spec: PreprocessingSpec, plan: Plan, reference: Pipeline, weights: str) -> Graph:
    """Write graph.xml and graph.bin into a staged archive that holds the checkpoint; `weights`: trained or random.

    A lossy graph is compared with the reference pipeline on the plan's gate images, unless the weights are random.
    Raises GateError where it decides otherwise and the plan does not force it, SettingsError for unusable pictures.
    """
    calibration = PictureFolder.read(plan.calibration_images) if plan.calibration_images else None
    gate = PictureFolder.read(plan.gate_images) if plan.gate_images else None
    if calibration and gate:
        gate.require_held_out(calibration)
    graph = trace(stage / CHECKPOINT_FOLDER, spec, plan.merge_tokens)
    if plan.precision == "int8":
        graph = quantized(graph, calibration_inputs(calibration, spec))
    elif plan.precision == "int8-dynamic":
        graph = with_quantized_weights(graph)
    file = stage / GRAPH_FILE
    save(graph, file)
    described = Graph(plan.precision, plan.merge_tokens, file_sha256(file.with_suffix(".bin")))
    if not plan.lossy:
        return described
    engine = OpenVinoEngine(file, precision=plan.precision, max_batch=MAX_BATCH)
    candidate = Pipeline(engine, spec, reference.policies, reference.settings)
    described = replace(described, golden=tuple(pair.scores for pair in golden_pairs(candidate)))
    if weights == "random":
        print("The gate is skipped: decisions of random weights mean nothing.")
        return described
    return described if gate is None else _gated(described, gate, reference, candidate, force=plan.force)


def _gated(graph: Graph, images: PictureFolder, reference: Pipeline, candidate: Pipeline, *, force: bool) -> Graph:
    """Return the graph with the gate's report; raises GateError, figures and all, where it fails and isn't forced."""
    report = measure(images, reference, candidate)
    merging = f" with {graph.merge_tokens} tokens merged a layer" if graph.merge_tokens else ""
    if report.failures and not force:
        failures = "; ".join(report.failures)
        raise GateError(
            f"{graph.precision}{merging} does not pass the gate: {failures}. "
            f"--precision bf16 needs no gate, --force builds it all the same.\n{report.table()}"
        )
    print(report.table())
    if report.not_exercised:
        print(f"Not exercised, fewer than 30 pictures each: {', '.join(report.not_exercised)}.")
    return replace(graph, gate=report.as_record(), forced=bool(report.failures))
