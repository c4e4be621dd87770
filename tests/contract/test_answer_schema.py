"""Every answer of the pipeline, rendered, has the documented shape, for pictures of every kind."""

import json
from pathlib import Path

import pytest
import torch

import pictures
from answers import check_answer, check_error
from trust_nsfw.engines.torch_engine import TorchEngine
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy_file import load_policies
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import Item, ModelInfo, Request
from trust_nsfw.settings import Settings
from trust_nsfw.wire.rendering import render

POLICIES = Path(__file__).resolve().parents[2] / "handler/policies"
MODEL = ModelInfo("nsfw", "1.0", "tiny", "00" * 32, "random", "torch", "fp32")
PAYLOADS = {
    "photo": pictures.encode(pictures.photo("astronaut.png"), "JPEG"),
    "animation": pictures.animated_gif(12),
    "transparent": pictures.transparent_palette_png(),
    "cmyk": pictures.cmyk_jpeg(),
    "deep": pictures.deep_png(),
    "bomb": pictures.huge_png(),
    "truncated": pictures.truncated_jpeg(),
    "text": b"hello",
    "nothing": b"",
}


@pytest.fixture(scope="module")
def pipeline(tiny_checkpoint: Path) -> Pipeline:
    spec = PreprocessingSpec.load(tiny_checkpoint)
    engine = TorchEngine(tiny_checkpoint, spec, torch.device("cpu"), precision="fp32", max_batch=8)
    return Pipeline(engine, spec, load_policies(POLICIES), Settings())


@pytest.mark.parametrize("policy", ["default", "strict", "lenient"])
def test_many_images_are_answered_item_by_item(pipeline, policy):
    request = Request(tuple(Item(payload, id=name) for name, payload in PAYLOADS.items()), policy, per_item=True)
    [answer] = pipeline.classify([request])
    results = check_answer(json.loads(render(answer, request, MODEL).body))
    assert [result["id"] for result in results] == list(PAYLOADS)
    assert [result["id"] for result in results if result["action"] == "error"] == list(PAYLOADS)[-4:]


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_raw_image_is_an_answer_or_an_error_with_its_status(pipeline, name):
    request = Request((Item(PAYLOADS[name]),))
    [answer] = pipeline.classify([request])
    reply = render(answer, request, MODEL)
    if reply.status == 200:
        check_answer(json.loads(reply.body))
    else:
        check_error(json.loads(reply.body))
    assert (reply.status == 200) == (name in list(PAYLOADS)[:-4])
