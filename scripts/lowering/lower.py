"""A settled plan -> the archive's graph, written, gated where it is lossy, and described."""

from dataclasses import replace
from pathlib import Path

from archiving.golden import golden_pairs
from lowering.calibration import calibration_inputs
from lowering.errors import GateError
from lowering.gate import MIN_EXERCISED, measure
from lowering.graph import quantized, save, trace, with_quantized_weights
from lowering.pictures import PictureFolder, Pictures
from lowering.plan import Plan
from trust_nsfw.engines.openvino_engine import OpenVinoEngine
from trust_nsfw.manifest import CHECKPOINT_FOLDER, GRAPH_FILE, Graph, graph_sha256
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.preprocess import PreprocessingSpec


def lower(stage: Path, plan: Plan, pictures: Pictures, reference: Pipeline, weights: str) -> Graph:
    """Write graph.xml and graph.bin into a staged archive that holds the checkpoint; `weights`: trained or random.

    A lossy graph is compared with the reference pipeline on the gate's pictures, unless the weights are random. Raises
    GateError where it decides otherwise and the plan does not force it, UntraceableError, and SettingsError for
    unusable pictures.
    """
    spec = PreprocessingSpec.load(stage / CHECKPOINT_FOLDER)
    graph = trace(stage / CHECKPOINT_FOLDER, spec, plan.merge_tokens)
    if plan.precision == "int8":
        graph = quantized(graph, calibration_inputs(pictures.calibration, spec))
    elif plan.precision == "int8-dynamic":
        graph = with_quantized_weights(graph)
    save(graph, stage / GRAPH_FILE)
    sha256 = graph_sha256(stage)
    assert sha256 is not None, "both files were just written"
    described = Graph(plan.precision, plan.merge_tokens, sha256)
    if not plan.lossy:
        return described
    max_batch = reference.settings.engine.max_batch
    engine = OpenVinoEngine(stage / GRAPH_FILE, precision=plan.precision, max_batch=max_batch)
    candidate = Pipeline(engine, spec, reference.policies, reference.settings)
    described = replace(described, golden=tuple(pair.scores for pair in golden_pairs(candidate)))
    if weights == "random":
        print("The gate is skipped: decisions of random weights mean nothing.")
        return described
    if pictures.gate is None:  # which a settled plan allows to none but a forced one
        print("The gate is left out, by force: nothing is known of this graph's decisions.")
        return replace(described, forced=True)
    return _gated(described, pictures.gate, reference, candidate, force=plan.force)


def _gated(graph: Graph, images: PictureFolder, reference: Pipeline, candidate: Pipeline, *, force: bool) -> Graph:
    """Return the graph with the gate's report; raises GateError, figures and all, where it fails and isn't forced."""
    report = measure(images, reference, candidate)
    if report.failures and not force:
        merging = f" with {graph.merge_tokens} tokens merged a layer" if graph.merge_tokens else ""
        way_out = "leave --merge-tokens out, or take fewer" if graph.merge_tokens else "--precision bf16 needs no gate"
        raise GateError(
            f"{graph.precision}{merging} does not pass the gate: {'; '.join(report.failures)}. "
            f"Ways out: {way_out}; --force builds it all the same.\n{report.table()}"
        )
    print(report.table())
    if report.not_exercised:
        print(f"Not exercised, fewer than {MIN_EXERCISED} pictures each: {', '.join(report.not_exercised)}.")
    return replace(graph, gate=report.as_record(), forced=bool(report.failures))
