"""Loading an archive: what serves, and what refuses with which reason."""

import json
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from archiving.building import build
from archiving.inputs import HANDLER, MODEL_CONFIG
from trust_nsfw import golden
from trust_nsfw.errors import CheckpointError, DriftError, PolicyError, SettingsError
from trust_nsfw.manifest import graph_sha256
from trust_nsfw.schema import Item, Request
from trust_nsfw.service import Service

FP32 = {"trust_nsfw": {"engine": {"precision": "fp32"}}}
TORCH_FP32 = {"trust_nsfw": {"engine": {"name": "torch", "precision": "fp32"}}}


@pytest.fixture
def archive(tmp_path: Path, tiny_archive: Path) -> Path:
    """An unpacked archive that a test may damage."""
    with zipfile.ZipFile(tiny_archive) as content:
        content.extractall(tmp_path / "archive")
    return tmp_path / "archive"


@pytest.fixture(scope="session")
def tiny_archive(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    out = tmp_path_factory.mktemp("store") / "nsfw.mar"
    build(tiny_checkpoint, HANDLER / MODEL_CONFIG, out)
    return out


def load(archive: Path, config: dict | None = None) -> Service:
    return Service.load(archive, FP32 if config is None else config, gpu_id=None, version="1.0")


def scores_of(service: Service, payload: bytes) -> dict[str, float]:
    [answer] = service.pipeline.classify([Request((Item(payload),))])
    return answer.results[0].scores.classes()


def edit_manifest(archive: Path, **changes: object) -> None:
    file = archive / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_service_describes_itself(archive):
    description = load(archive).describe()
    assert description["model"]["weights"] == "random"
    assert description["model"]["engine"] == "openvino"
    assert description["graph"].keys() == {"precision", "merge_tokens", "sha256", "gate", "forced"}
    assert description["labels"] == ["drawing", "hentai", "neutral", "porn", "sexy"]
    assert description["policies"] == {"default": "1", "lenient": "1", "strict": "1"}
    assert description["limits"]["max_pixels"] == 50_000_000
    assert len(description["preprocessing"]["fingerprint"]) == 64


def test_the_graph_and_the_checkpoint_score_alike(archive):
    by_graph, by_torch = load(archive), load(archive, TORCH_FP32)
    assert (by_graph.model.engine, by_torch.model.engine) == ("openvino", "torch")
    batch = np.random.default_rng(1).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    rows = [service.pipeline.engine.probabilities(batch) for service in (by_graph, by_torch)]
    assert np.abs(rows[0] - rows[1]).max() < 1e-4


def test_auto_falls_back_to_fp32_where_16_bits_drift(archive, monkeypatch, caplog):
    monkeypatch.setattr("trust_nsfw.engines.candidates.cpu_has_bf16", lambda: True)
    monkeypatch.setitem(golden.TOLERANCES, "bf16", 1e-9)
    assert load(archive, {}).model.precision == "fp32"
    assert "not serving by openvino in bf16: golden picture 1 of 8" in caplog.text


def test_torch_serves_where_the_graph_drifts(archive, caplog):
    scores = json.loads((archive / "manifest.json").read_text())["golden"][0]["scores"]
    graph = json.loads((archive / "manifest.json").read_text())["graph"]
    turned = dict(zip(scores, [*list(scores.values())[1:], scores["drawing"]], strict=True))
    edit_manifest(archive, graph=graph | {"precision": "int8", "golden": [turned] * 8})
    assert load(archive, {}).model.engine == "torch"
    assert "not serving by openvino in int8: golden picture 1 of 8" in caplog.text


@pytest.mark.parametrize("name", ["graph.bin", "graph.xml"])
def test_a_graph_that_is_not_the_manifests_refuses(archive, name):
    with (archive / name).open("r+b") as file:
        file.write(b"\xff\xff")
    with pytest.raises(CheckpointError, match="graph is missing or not the one the manifest describes"):
        load(archive)
    (archive / name).unlink()
    with pytest.raises(CheckpointError, match="graph is missing"):
        load(archive)


def with_graph(archive: Path, **changes: object) -> None:
    graph = json.loads((archive / "manifest.json").read_text())["graph"]
    edit_manifest(archive, graph=graph | {"sha256": graph_sha256(archive)} | changes)


def test_a_graph_that_cannot_be_run_leaves_the_work_to_torch(archive, caplog):
    (archive / "graph.xml").write_text("<net/>")
    with_graph(archive)
    assert load(archive).model.engine == "torch"
    assert "graph.xml is not a graph that OpenVINO" in caplog.text


def test_an_openvino_that_cannot_be_imported_leaves_the_work_to_torch(archive, caplog, monkeypatch):
    monkeypatch.setitem(sys.modules, "trust_nsfw.engines.openvino_engine", None)
    assert load(archive).model.engine == "torch"
    assert "OpenVINO can't be imported" in caplog.text


def test_a_forced_graph_serves_and_the_log_tells(archive, caplog):
    with_graph(archive, forced=True)
    assert load(archive).describe()["graph"]["forced"] is True
    assert "the graph was forced: it has not passed its gate" in caplog.text


def test_weights_that_explanations_need_must_be_there(archive):
    (archive / "checkpoint/model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"holds no model\*\.safetensors"):
        load(archive)


def test_an_archive_for_explanations_that_are_not_wanted_holds_no_weights(tiny_checkpoint, tmp_path):
    build(tiny_checkpoint, HANDLER / MODEL_CONFIG, tmp_path / "nsfw.mar", explanations=False)
    with zipfile.ZipFile(tmp_path / "nsfw.mar") as content:
        content.extractall(tmp_path / "archive")
    assert not list((tmp_path / "archive/checkpoint").glob("*.safetensors"))
    assert load(tmp_path / "archive").model.engine == "openvino"
    with pytest.raises(SettingsError, match="holds no weights"):
        load(tmp_path / "archive", TORCH_FP32)


def test_a_named_precision_that_drifts_refuses(archive, monkeypatch):
    monkeypatch.setitem(golden.TOLERANCES, "bf16", 1e-9)
    with pytest.raises(DriftError, match="golden picture 1 of 8"):
        load(archive, {"trust_nsfw": {"engine": {"precision": "bf16"}}})


def test_weights_that_are_not_the_manifests_refuse(archive):
    edit_manifest(archive, sha256="0" * 64)
    with pytest.raises(CheckpointError, match="the manifest says 000"):
        load(archive)


def test_labels_in_another_order_refuse(archive):
    edit_manifest(archive, labels=["sexy", "porn", "neutral", "hentai", "drawing"])
    with pytest.raises(CheckpointError, match="order"):
        load(archive)


def test_other_preprocessing_refuses(archive):
    file = archive / "checkpoint/preprocessor_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"resample": 3}))
    with pytest.raises(CheckpointError, match="preprocessing is not what the manifest says"):
        load(archive)


def test_another_temperature_refuses(archive):
    (archive / "checkpoint/calibration.json").write_text('{"temperature": 2}')
    with pytest.raises(CheckpointError, match=r"temperature is 2\.0; the manifest says 1\.0"):
        load(archive)


def test_a_calibrated_checkpoint_is_served_calibrated(tiny_checkpoint, tmp_path):
    calibrated = shutil.copytree(tiny_checkpoint, tmp_path / "calibrated")
    (calibrated / "calibration.json").write_text('{"temperature": 0.1}')
    build(calibrated, HANDLER / MODEL_CONFIG, tmp_path / "nsfw.mar")
    with zipfile.ZipFile(tmp_path / "nsfw.mar") as content:
        content.extractall(tmp_path / "archive")
    by_graph, by_torch = load(tmp_path / "archive"), load(tmp_path / "archive", TORCH_FP32)
    assert by_graph.describe()["temperature"] == by_torch.describe()["temperature"] == 0.1
    payload = by_graph.manifest.golden[0].payload
    scores = [scores_of(service, payload) for service in (by_graph, by_torch)]
    assert max(scores[0].values()) > 0.25  # uncalibrated, the random weights give 0.2 to each
    assert scores[0] == pytest.approx(scores[1], abs=1e-3)


def test_a_checkpoint_that_records_other_preprocessing_is_not_built(tiny_checkpoint, tmp_path):
    other = shutil.copytree(tiny_checkpoint, tmp_path / "other")
    (other / "preprocessing.json").write_text(json.dumps({"fingerprint": "0" * 64}))
    with pytest.raises(CheckpointError, match="it was trained with the preprocessing 000000000000"):
        build(other, HANDLER / MODEL_CONFIG, tmp_path / "nsfw.mar")
    assert not (tmp_path / "nsfw.mar").exists()


def test_an_unknown_default_policy_refuses(archive):
    with pytest.raises(SettingsError, match="no policy is named 'nope'"):
        load(archive, {"trust_nsfw": {"policy": "nope"}})


def test_a_broken_policy_file_refuses(archive):
    (archive / "policies/default.yaml").write_text("name: default")
    with pytest.raises(PolicyError, match=r"default\.yaml"):
        load(archive)


def test_golden_pictures_are_computed_and_leave_nothing_in_the_cache(archive):
    service = load(archive)
    picture = service.manifest.golden[0].payload
    runs = [service.pipeline.run([Request((Item(picture),))]) for _ in range(2)]
    assert [run.measured.cache_misses for run in runs] == [1, 0]
    assert [run.measured.cache_hits for run in runs] == [0, 1]
    assert runs[0].answers == runs[1].answers


def test_the_cache_can_be_switched_off(archive):
    service = load(archive, {"trust_nsfw": {"cache_entries": 0, "engine": {"precision": "fp32"}}})
    picture = service.manifest.golden[0].payload
    runs = [service.pipeline.run([Request((Item(picture),))]) for _ in range(2)]
    assert [(run.measured.inputs, run.measured.cache_misses) for run in runs] == [(1, 0)] * 2
