"""A checkpoint -> an OpenVINO graph: uint8 [B, H, W, 3] in, float32 [B, 5] probabilities in the order of LABELS out."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers.utils import logging

from lowering.errors import UntraceableError
from lowering.token_merging import MERGING, MergingViT
from trust_nsfw.engines.classifier import Classifier
from trust_nsfw.engines.quiet_openvino import ov
from trust_nsfw.engines.scorer import Scorer
from trust_nsfw.preprocess import PreprocessingSpec

NAME = "trust_nsfw"
ATTENTION = "ScaledDotProductAttention"
COUNTED_NAME = re.compile(r"\w+_\d+")


def trace(checkpoint: Path, spec: PreprocessingSpec, merge_tokens: int = 0) -> ov.Model:
    """Trace a checkpoint in fp32, with `merge_tokens` tokens merged a layer; raises UntraceableError where it can't be.

    Normalisation and softmax are in the graph, by the very module that the torch engine runs.
    """
    classifier = Classifier.load(checkpoint, spec, torch.device("cpu"), torch.float32)
    if merge_tokens:
        merging: Any = MergingViT(classifier.model, merge_tokens)
        classifier = replace(classifier, model=merging)
    scorer = Scorer(classifier).eval()
    example = torch.zeros(2, spec.height, spec.width, 3, dtype=torch.uint8)
    shape = ov.PartialShape([-1, spec.height, spec.width, 3])
    try:
        with torch.inference_mode(), _silent_tracing():
            graph = ov.convert_model(scorer, example_input=example, input=[shape])
    except Exception as error:  # what a foreign architecture makes a tracer raise has no common base
        reason = str(error).strip().split("\n")[0]
        raise UntraceableError(f"OpenVINO can't trace the checkpoint ({reason})") from error
    graph.set_friendly_name(NAME)
    return graph


def quantized(graph: ov.Model, inputs: list[NDArray[np.uint8]]) -> ov.Model:
    """Return the graph in int8: weights, and activations in ranges observed on uint8 [1, H, W, 3] inputs.

    NNCF's recipe for transformers, with SmoothQuant (Xiao et al., ICML 2023), where there is attention.
    """
    from lowering.quiet_nncf import nncf  # noqa: PLC0415 - other precisions do without

    attends = any(node.get_type_name() == ATTENTION for node in graph.get_ops())
    return nncf.quantize(
        graph,
        nncf.Dataset(inputs),
        model_type=nncf.ModelType.TRANSFORMER if attends else None,
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(inputs),
        ignored_scope=nncf.IgnoredScope(patterns=[rf".*\.{MERGING}\..*"], validate=False),
    )


def with_quantized_weights(graph: ov.Model) -> ov.Model:
    """Return the graph with 8-bit weights; activations are quantized as they come where the CPU gains by it."""
    from lowering.quiet_nncf import nncf  # noqa: PLC0415 - other precisions do without

    return nncf.compress_weights(graph, mode=nncf.CompressWeightsMode.INT8_SYM)


def save(graph: ov.Model, file: Path) -> None:
    """Write graph.xml and graph.bin, constants in the precision they have; the same graph gives the same bytes.

    Names that OpenVINO counts up over the life of a process are counted anew.
    """
    for number, node in enumerate(graph.get_ordered_ops()):
        if COUNTED_NAME.fullmatch(node.get_friendly_name()):
            node.set_friendly_name(f"{node.get_type_name()}_{number}")
    ov.save_model(graph, file, compress_to_fp16=False)


@contextmanager
def _silent_tracing() -> Iterator[None]:
    """Hide the tracer's warnings that shapes checked in Python become constants: only the batch varies, and it may.

    Also transformers' about the loss, of which the tracer asks as of any attribute.
    """
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
