from pathlib import Path

import pytest

from lowering import plan as module
from lowering.arguments import typed
from lowering.plan import Plan
from trust_nsfw.errors import SettingsError

FOLDER, OTHER = Path("calibration"), Path("gate")


def test_auto_is_int8_with_pictures_to_calibrate_and_to_gate_it():
    settled, reason = Plan(calibration_images=FOLDER, gate_images=OTHER).settled("trained")
    assert settled.precision == "int8"
    assert reason.startswith("int8")


@pytest.mark.parametrize(
    ("plan", "lacking"),
    [
        (Plan(), "add --calibration-images and --gate-images"),
        (Plan(calibration_images=FOLDER), "add --gate-images"),
        (Plan(gate_images=OTHER), "add --calibration-images"),
    ],
)
def test_auto_stays_at_bf16_without_them_and_says_what_int8_would_bring(plan, lacking):
    settled, reason = plan.settled("trained")
    assert settled.precision == "bf16"
    assert settled.merge_tokens == 0
    assert "int8 would answer" in reason
    assert reason.endswith(lacking)


def test_random_weights_need_neither_calibration_nor_gate():
    assert Plan(precision="int8", merge_tokens=8).settled("random")[0].lossy


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (Plan(precision="int8", gate_images=OTHER), "--calibration-images"),
        (Plan(precision="int8", calibration_images=FOLDER), "--gate-images"),
        (Plan(precision="int8-dynamic"), "--gate-images"),
        (Plan(merge_tokens=8), "--merge-tokens must show that decisions stay the same"),
        (Plan(precision="none", merge_tokens=8), "which --precision none leaves out"),
    ],
)
def test_a_lossy_plan_of_trained_weights_needs_its_pictures(plan, message):
    with pytest.raises(SettingsError, match=message):
        plan.settled("trained")


def test_force_does_without_a_gate_but_not_without_calibration():
    assert Plan(precision="int8-dynamic", force=True).settled("trained")[0].lossy
    with pytest.raises(SettingsError, match="calibrated"):
        Plan(precision="int8", force=True).settled("trained")


@pytest.mark.parametrize(("native", "expected"), [(True, "bf16"), (False, "fp32")])
def test_merged_tokens_are_gated_in_what_this_cpu_has(monkeypatch, native, expected):
    monkeypatch.setattr("trust_nsfw.engines.candidates.cpu_has_bf16", lambda: native)
    assert Plan(merge_tokens=8, gate_images=OTHER).settled("trained")[0].precision == expected


def test_without_nncf_nothing_is_quantized(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == "nncf" else name)
    assert Plan().settled("trained")[0].precision == "bf16"
    with pytest.raises(SettingsError, match="NNCF is not installed"):
        Plan("int8").settled("random")


def test_without_openvino_torch_will_serve_unless_a_graph_was_asked_for(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    assert Plan().settled("trained")[0].precision == "none"
    with pytest.raises(SettingsError, match="OpenVINO is not installed"):
        Plan(precision="int8").settled("random")


def test_a_plan_can_be_typed_for_another_script():
    plan = Plan("int8", 8, FOLDER, OTHER, force=True)
    assert typed(plan) == [
        *("--precision", "int8", "--merge-tokens", "8", "--calibration-images", "calibration"),
        *("--gate-images", "gate", "--force"),
    ]
