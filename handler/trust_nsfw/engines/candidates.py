"""Which engines may serve an archive on this device, fastest first: the service takes the first that proves itself."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from trust_nsfw.errors import SettingsError
from trust_nsfw.manifest import Graph
from trust_nsfw.settings import EngineSettings

NATIVE_BF16 = ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16")
"""CPU capabilities, in torch's names, that make bf16 faster than fp32 instead of slower."""

TORCH_PRECISIONS = ("fp32", "bf16", "fp16")


@dataclass(frozen=True, slots=True)
class Candidate:
    """An engine's name and the precision to try it in."""

    engine: str
    precision: str


def candidates(
    settings: EngineSettings, device: torch.device, graph: Graph | None, *, has_weights: bool
) -> tuple[Candidate, ...]:
    """Return what to try, fastest first; never empty.

    On CUDA torch serves; on a CPU the archive's graph does, with torch after it in case the graph drifts. A named
    engine or precision narrows that down. `has_weights` tells whether the archive holds the checkpoint's weights.
    Raises SettingsError where nothing is left.
    """
    if settings.precision == "fp16" and device.type == "cpu":
        raise SettingsError("engine.precision: fp16 needs a GPU; a CPU takes fp32 or bf16")
    by_torch = _of("torch", torch_precisions(device), settings) if has_weights else []
    by_graph = _of("openvino", graph_precisions(graph), settings) if graph is not None and has_openvino() else []
    found = [*by_torch, *by_graph] if device.type == "cuda" else [*by_graph, *by_torch]
    if not found:
        held = "no graph" if graph is None else f"a graph in {graph.precision}"
        weights = "the weights" if has_weights else "no weights"
        raise SettingsError(
            f"engine {settings.name}, precision {settings.precision}: not possible on this {device.type} with an "
            f"archive that holds {weights} and {held}; scripts/build_archive.py --precision makes another"
        )
    return tuple(found)


def resolve_device(gpu_id: int | None) -> torch.device:
    """Return the device TorchServe assigned, or the CPU when it assigned none or there is no CUDA."""
    return torch.device("cuda", gpu_id) if gpu_id is not None and torch.cuda.is_available() else torch.device("cpu")


def graph_precisions(graph: Graph) -> tuple[str, ...]:
    """Return the precisions a graph can be served in on this CPU, fastest first; a lossy one knows only its own.

    Empty for a lossy graph in bf16 where the CPU has none: what was gated can't be computed there.
    """
    if graph.precision != "bf16":
        return (graph.precision,)
    exact = () if graph.golden else ("fp32",)
    return ("bf16", *exact) if cpu_has_bf16() else exact


def torch_precisions(device: torch.device) -> tuple[str, ...]:
    """Return torch's precisions on a device, fastest first.

    fp32 closes every list: some architectures lose too much in 16 bits to reproduce their golden pairs.
    """
    if device.type == "cuda":
        return ("bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16", "fp32")
    return ("bf16", "fp32") if cpu_has_bf16() else ("fp32",)


def cpu_has_bf16() -> bool:
    """Whether this CPU has bf16 in hardware."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in NATIVE_BF16)


def has_openvino() -> bool:
    """Whether OpenVINO is installed; it is by default on x86 only."""
    return importlib.util.find_spec("openvino") is not None


def _of(engine: str, fastest: Sequence[str], settings: EngineSettings) -> list[Candidate]:
    """Return an engine's candidates under the settings; torch computes in a named precision even where it is slow."""
    if settings.name not in ("auto", engine):
        return []
    if settings.precision == "auto":
        return [Candidate(engine, precision) for precision in fastest]
    possible = TORCH_PRECISIONS if engine == "torch" else fastest
    return [Candidate(engine, settings.precision)] if settings.precision in possible else []
