"""Archives of a ViT that was trained in the test: int8 and merged tokens pass the gate, or don't."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import trained_vit
from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG, is_up_to_date
from lowering.errors import GateError, UntraceableError
from lowering.plan import Plan
from trust_nsfw.errors import SettingsError
from trust_nsfw.service import Service

CONFIG = HANDLER / MODEL_CONFIG


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    return trained_vit.train(tiny_checkpoint, tmp_path_factory.mktemp("models") / "trained")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("pictures")
    (root / "black").mkdir()
    for number in range(40):
        level = np.full((32, 32 + number, 3), number % 8, dtype=np.uint8)
        Image.fromarray(level).save(root / "black" / f"{number}.png")
    return {
        "black": root / "black",
        "calibration": trained_vit.write_pictures(root / "calibration", 64, seed=2),
        "gate": trained_vit.write_pictures(root / "gate", 500, seed=3),
        "few": trained_vit.write_pictures(root / "few", 40, seed=4),
    }


def manifest(archive: Path) -> dict:
    with zipfile.ZipFile(archive) as content:
        return json.loads(content.read("manifest.json"))


def test_int8_that_decides_the_same_passes_and_is_what_auto_serves(trained, folders, tmp_path):
    plan = Plan(calibration_images=folders["calibration"], gate_images=folders["gate"])
    build(trained, CONFIG, tmp_path / "nsfw.mar", plan=plan)
    graph = manifest(tmp_path / "nsfw.mar")["graph"]
    assert (graph["precision"], graph["forced"]) == ("int8", False)
    gate = graph["gate"]
    assert (gate["passed"], gate["images"], gate["blur_to_allow"]) == (True, 500, 0)
    assert gate["label_agreement"] >= 0.99
    assert min(gate["action_agreement"].values()) >= 0.995
    assert 0 < gate["p99_shift"] <= gate["largest_shift"] < 0.1
    assert gate["labels"] == dict.fromkeys(("drawing", "hentai", "neutral", "porn", "sexy"), 100)
    assert "review (lenient)" in gate["not_exercised"]
    with zipfile.ZipFile(tmp_path / "nsfw.mar") as content:
        content.extractall(tmp_path / "archive")
    service = Service.load(tmp_path / "archive", {}, gpu_id=None, version="1.0")
    assert (service.model.engine, service.model.precision) == ("openvino", "int8")
    assert is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG)
    assert is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG, plan=plan)
    assert not is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG, plan=Plan(precision="bf16"))
    assert not is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG, plan=replace(plan, merge_tokens=2))
    assert not is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG, plan=replace(plan, gate_images=folders["few"]))


def test_int8_calibrated_on_other_pictures_fails_and_leaves_the_old_archive(trained, folders, tmp_path):
    out = tmp_path / "nsfw.mar"
    out.write_bytes(b"old")
    plan = Plan(precision="int8", calibration_images=folders["black"], gate_images=folders["gate"])
    with pytest.raises(GateError, match="int8 does not pass the gate: top labels agree on") as error:
        build(trained, CONFIG, out, plan=plan)
    assert "--force builds it all the same" in str(error.value)
    assert "| images (unreadable) | 500 (0) | at least 500 |" in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["nsfw.mar"]
    assert out.read_bytes() == b"old"


def test_force_builds_it_and_the_manifest_tells(trained, folders, tmp_path):
    plan = Plan("int8", calibration_images=folders["black"], gate_images=folders["few"], force=True)
    build(trained, CONFIG, tmp_path / "nsfw.mar", plan=plan)
    archive = tmp_path / "nsfw.mar"
    graph = manifest(archive)["graph"]
    assert graph["forced"] is True
    assert is_up_to_date(archive, trained, CONFIG, plan=plan)
    assert not is_up_to_date(archive, trained, CONFIG, plan=replace(plan, force=False))
    assert not is_up_to_date(archive, trained, CONFIG)
    assert "40 readable images; the gate needs at least 500" in graph["gate"]["failures"]


def test_force_without_a_gate_is_marked_as_well(trained, tmp_path, capsys):
    build(trained, CONFIG, tmp_path / "nsfw.mar", plan=Plan("int8-dynamic", force=True))
    graph = manifest(tmp_path / "nsfw.mar")["graph"]
    assert (graph["forced"], graph["gate"]) == (True, None)
    assert "The gate is left out, by force" in capsys.readouterr().out


def test_auto_does_not_take_a_bf16_archive_for_the_int8_that_the_pictures_allow(trained, folders, tmp_path):
    given = {"calibration_images": folders["calibration"], "gate_images": folders["gate"]}
    build(trained, CONFIG, tmp_path / "nsfw.mar", plan=Plan("bf16", **given))
    assert is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG, plan=Plan("bf16", **given))
    assert not is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG, plan=Plan(**given))


def test_an_archive_that_could_have_no_graph_is_stale_where_it_can(trained, tmp_path, monkeypatch):
    with monkeypatch.context() as without_openvino:
        without_openvino.setattr("lowering.plan.importlib.util.find_spec", lambda name: None)
        build(trained, CONFIG, tmp_path / "nsfw.mar")
        assert is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG)
    assert not is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG)
    build(trained, CONFIG, tmp_path / "nsfw.mar", plan=Plan("none"))
    assert is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG)


def test_what_openvino_cannot_trace_is_left_to_torch_unless_a_graph_was_asked_for(trained, tmp_path, monkeypatch):
    def fail(*arguments):
        raise UntraceableError("OpenVINO can't trace the checkpoint (odd)")

    monkeypatch.setattr("lowering.lower.trace", fail)
    assert (
        build(trained, CONFIG, tmp_path / "nsfw.mar") == "torch will serve: OpenVINO can't trace the checkpoint (odd)"
    )
    assert manifest(tmp_path / "nsfw.mar")["graph"] is None
    assert is_up_to_date(tmp_path / "nsfw.mar", trained, CONFIG)
    with pytest.raises(UntraceableError):
        build(trained, CONFIG, tmp_path / "nsfw.mar", plan=Plan("bf16"))


def test_a_few_merged_tokens_pass_and_many_fail(trained, folders, tmp_path):
    build(trained, CONFIG, tmp_path / "nsfw.mar", plan=Plan("fp32", 3, gate_images=folders["gate"]))
    graph = manifest(tmp_path / "nsfw.mar")["graph"]
    assert (graph["merge_tokens"], graph["gate"]["passed"], len(graph["golden"])) == (3, True, 8)
    with pytest.raises(GateError, match="fp32 with 7 tokens merged a layer does not pass the gate"):
        build(trained, CONFIG, tmp_path / "nsfw.mar", plan=Plan("fp32", 7, gate_images=folders["gate"]))


def test_pictures_of_the_gate_may_not_have_been_calibrated_on(trained, folders, tmp_path):
    plan = Plan("int8", calibration_images=folders["gate"], gate_images=folders["gate"])
    with pytest.raises(SettingsError, match="500 of the pictures"):
        build(trained, CONFIG, tmp_path / "nsfw.mar", plan=plan)


def test_a_plan_that_lacks_its_gate_stops_before_any_work(trained, folders, tmp_path):
    with pytest.raises(SettingsError, match="--gate-images"):
        build(trained, CONFIG, tmp_path / "nsfw.mar", plan=Plan("int8", calibration_images=folders["few"]))
    assert not list(tmp_path.iterdir())


def test_random_weights_skip_the_gate_and_say_so(tiny_checkpoint, tmp_path, capsys):
    build(tiny_checkpoint, CONFIG, tmp_path / "nsfw.mar", plan=Plan("int8", 3))
    assert "The gate is skipped: decisions of random weights mean nothing." in capsys.readouterr().out
    graph = manifest(tmp_path / "nsfw.mar")["graph"]
    assert (graph["gate"], graph["forced"], len(graph["golden"])) == (None, False, 8)
