"""classify --local: the same contract, without a server."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pictures
from trust_nsfw.cli.local import LocalClient
from trust_nsfw.client import Failure, RemoteVerdict
from trust_nsfw.client.errors import NotSupported
from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.schema import Item, Request

POLICIES = Path(__file__).resolve().parents[4] / "handler/policies"
WHITE = 255
PAYLOADS = {
    "a.jpg": pictures.encode(pictures.photo("chelsea.png"), "JPEG"),
    "b.gif": pictures.animated_gif(20),
    "c.jpg": pictures.truncated_jpeg(),
    "d.png": pictures.transparent_palette_png(),
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name, payload in PAYLOADS.items():
        (tmp_path / name).write_bytes(payload)
    return tmp_path


def test_results_are_those_of_the_pipeline(tiny_checkpoint, tiny_pipeline: Pipeline):
    policy = load_policy_file(POLICIES / "default.yaml").policy
    with LocalClient(tiny_checkpoint, policy) as client:
        answer = client.classify_many(list(PAYLOADS.values()), min_confidence=0.1)
    [expected] = tiny_pipeline.classify([Request(tuple(Item(payload) for payload in PAYLOADS.values()))])
    for result, scored in zip(answer.results, expected.results, strict=True):
        if isinstance(scored, Failure):
            assert (result.code, result.message) == (scored.code, scored.message)
            continue
        assert isinstance(result, RemoteVerdict)
        assert result.scores.classes() == pytest.approx(scored.scores.classes(), abs=1e-5)
        assert (result.decision.action, result.image) == (scored.decision.action, scored.image)
        assert result.labels
        assert (result.model.weights, result.model.precision) == ("random", "fp32")


def test_images_that_make_too_many_model_inputs_together_are_asked_in_halves(tiny_checkpoint):
    policy = load_policy_file(POLICIES / "default.yaml").policy
    with LocalClient(tiny_checkpoint, policy) as client:
        answer = client.classify_many([pictures.animated_gif(20)] * 6)
    assert all(isinstance(result, RemoteVerdict) for result in answer.results)


def test_a_picture_needs_a_server(tiny_checkpoint):
    policy = load_policy_file(POLICIES / "default.yaml").policy
    with LocalClient(tiny_checkpoint, policy) as client, pytest.raises(NotSupported, match="moderate needs a server"):
        client.moderated(PAYLOADS["a.jpg"])


def test_the_command_scores_a_folder_with_a_policy_of_ones_own(photos, tiny_checkpoint, run):
    policy = '{name: all, version: "1", rules: [{id: any, action: review, any: {nsfw: 0}}], otherwise: allow}'
    (photos / "all.yaml").write_text(policy)
    done = run("classify", photos, "--local", tiny_checkpoint, "--policy", photos / "all.yaml", "--format", "jsonl")
    results = [json.loads(line) for line in done.out.splitlines()]
    assert [result["action"] for result in results] == ["review", "review", "error", "review"]
    assert results[0]["policy"] == {"name": "all", "version": "1"}
    assert "the model's weights are random" in done.err
    assert done.code == 2


def test_an_image_that_breaks_the_engine_is_an_error_of_its_own(photos, tiny_checkpoint, run, monkeypatch):
    score = TorchEngine.probabilities

    def breaks_on_white(self: TorchEngine, inputs: np.ndarray) -> np.ndarray:
        if any((one == WHITE).all() for one in inputs):
            raise MemoryError("too much\nof it")
        return score(self, inputs)

    monkeypatch.setattr(TorchEngine, "probabilities", breaks_on_white)
    (photos / "b.png").write_bytes(pictures.encode(Image.new("RGB", (64, 64), (WHITE,) * 3), "PNG"))
    done = run("classify", photos, "--local", tiny_checkpoint, "--format", "jsonl", "-q")
    results = {Path(result["path"]).name: result for result in map(json.loads, done.out.splitlines())}
    assert done.code == 2
    assert done.err.count("\n") == 1, "the warning of random weights"
    assert results["b.png"]["error"] == {
        "code": "internal",
        "message": "the image could not be scored: MemoryError: too much of it",
    }
    assert results["c.jpg"]["error"]["code"] == "corrupt_image"
    assert all("scores" in results[name] for name in ("a.jpg", "b.gif", "d.png"))
    alone = run("classify", photos / "b.png", "--local", tiny_checkpoint, "--format", "jsonl", "-q")
    assert json.loads(alone.out)["error"] == results["b.png"]["error"]


def test_a_shipped_policy_goes_by_its_name(photos, tiny_checkpoint, run):
    done = run("classify", photos / "a.jpg", "--local", tiny_checkpoint, "--policy", "strict", "--format", "jsonl")
    assert json.loads(done.out)["policy"]["name"] == "strict"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--local", "nowhere"], "nowhere is not a checkpoint's folder"),
        (["--local", "."], "preprocessor_config.json cannot be read: No such file or directory"),
        (["--local", ".", "--policy", "nope"], "no policy is named 'nope'"),
        (["--local", ".", "--policy", "nope.yaml"], "nope.yaml cannot be read: No such file or directory"),
    ],
)
def test_what_is_missing_is_one_line(photos, run, monkeypatch, options, message):
    monkeypatch.chdir(photos)
    done = run("classify", "a.jpg", *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_a_broken_checkpoint_is_one_line(photos, tiny_checkpoint, tmp_path, run, file):
    broken = tmp_path / "broken"
    shutil.copytree(tiny_checkpoint, broken)
    content = (broken / file).read_bytes()
    (broken / file).write_bytes(content[: len(content) // 2])
    done = run("classify", photos / "a.jpg", "--local", broken)
    assert (done.code, done.out) == (2, "")
    assert str(broken) in done.err
    assert done.err.count("\n") == 1
