import pytest
import torch

from trust_nsfw.engines import candidates as module
from trust_nsfw.engines.candidates import Candidate, candidates, resolve_device, torch_precisions
from trust_nsfw.errors import SettingsError
from trust_nsfw.manifest import Graph
from trust_nsfw.settings import EngineSettings

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
BF16, INT8 = Graph("bf16", 0, ""), Graph("int8", 0, "", golden=({"porn": 1.0},))
MERGING = Graph("bf16", 8, "", golden=({"porn": 1.0},))


@pytest.fixture(autouse=True)
def cpu_with_bf16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    monkeypatch.setattr(module, "has_openvino", lambda: True)


def tried(settings=None, device=CPU, graph=None, has_weights=True):
    found = candidates(settings or EngineSettings(), device, graph, has_weights=has_weights)
    return [f"{candidate.engine} {candidate.precision}" for candidate in found]


def test_on_a_cpu_the_graph_comes_first_and_torch_stands_behind_it():
    assert tried(graph=INT8) == ["openvino int8", "torch bf16", "torch fp32"]
    assert tried(graph=BF16) == ["openvino bf16", "openvino fp32", "torch bf16", "torch fp32"]
    assert tried() == ["torch bf16", "torch fp32"]


def test_on_cuda_torch_comes_first():
    assert tried(device=CUDA, graph=INT8) == ["torch bf16", "torch fp32", "openvino int8"]


def test_a_graph_that_merges_tokens_is_served_in_the_precision_it_was_proved_in():
    assert tried(graph=MERGING)[0] == "openvino bf16"
    assert "openvino fp32" not in tried(graph=MERGING)


def test_a_bf16_graph_that_merges_tokens_is_not_served_where_the_cpu_has_no_bf16(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True})
    assert tried(graph=MERGING) == ["torch fp32"]


def test_without_openvino_or_without_weights_the_other_serves(monkeypatch):
    assert tried(graph=INT8, has_weights=False) == ["openvino int8"]
    monkeypatch.setattr(module, "has_openvino", lambda: False)
    assert tried(graph=INT8) == ["torch bf16", "torch fp32"]


def test_a_named_engine_or_precision_is_not_swapped_for_another():
    assert tried(EngineSettings(name="torch"), graph=INT8) == ["torch bf16", "torch fp32"]
    assert tried(EngineSettings(precision="int8"), graph=INT8) == ["openvino int8"]
    assert tried(EngineSettings(precision="fp32"), graph=BF16) == ["openvino fp32", "torch fp32"]
    assert tried(EngineSettings(name="openvino", precision="fp32"), graph=BF16) == ["openvino fp32"]


@pytest.mark.parametrize(
    ("settings", "graph", "message"),
    [
        (EngineSettings(precision="int8"), BF16, "engine auto, precision int8: not possible on this cpu"),
        (EngineSettings(name="openvino"), None, "holds the weights and no graph"),
        (EngineSettings(precision="fp16"), INT8, "fp16 needs a GPU"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_reason(settings, graph, message):
    with pytest.raises(SettingsError, match=message):
        candidates(settings, CPU, graph, has_weights=True)


@pytest.mark.parametrize(
    ("capabilities", "expected"), [({"avx512_bf16": True}, ("bf16", "fp32")), ({"avx512_f": True}, ("fp32",))]
)
def test_auto_takes_bf16_on_a_cpu_only_where_it_is_native(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert torch_precisions(CPU) == expected
    assert tried(graph=BF16)[: len(expected)] == [f"openvino {precision}" for precision in expected]


@pytest.mark.parametrize(("native", "expected"), [(True, ("bf16", "fp32")), (False, ("fp16", "fp32"))])
def test_auto_takes_what_the_gpu_has(monkeypatch, native, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert torch_precisions(CUDA) == expected


def test_a_candidate_reads_as_what_it_is():
    assert candidates(EngineSettings(precision="fp32"), CPU, None, has_weights=True) == (Candidate("torch", "fp32"),)


def test_without_cuda_the_assigned_gpu_is_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device(0) == resolve_device(None) == CPU
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert resolve_device(1) == torch.device("cuda", 1)
