"""The handler against TorchServe's own Context, a batch at a time."""

import json
import logging
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from ts.context import Context, RequestProcessor
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl

import pictures
from torchserve_handler import NsfwHandler
from trust_nsfw.errors import CheckpointError
from trust_nsfw.explanations import Explanations
from trust_nsfw.manifest import GoldenPair, Manifest
from trust_nsfw.schema import LABELS, Action, Answer, Batch, Measured, ModelInfo
from trust_nsfw.score_cache import ScoreCache
from trust_nsfw.service import Service
from trust_nsfw.settings import Limits

METRICS = str(Path(__file__).resolve().parents[3] / "deploy/metrics.yaml")
HTTP = {"explain": "False", "url_path": ""}
"""What TorchServe adds to the headers of every HTTP request."""

PHOTO = pictures.encode(pictures.picture(1), "PNG")


@pytest.fixture
def handler(tiny_pipeline, tiny_checkpoint) -> NsfwHandler:
    spec = tiny_pipeline._spec
    golden = (GoldenPair("", {}),)
    manifest = Manifest("tiny", None, "00", "random", LABELS, spec, spec.fingerprint, "00", True, golden)
    explanations = Explanations(tiny_checkpoint, spec, Limits(), torch.device("cpu"))
    handler = NsfwHandler()
    handler.service = Service(
        tiny_pipeline, ModelInfo("nsfw", "1.0", "tiny", "00", "random", "torch", "fp32"), manifest, explanations
    )
    return handler


def context(*headers: dict) -> Context:
    metrics = MetricsCacheYamlImpl(METRICS)
    metrics.initialize_cache()
    metrics.model_name = "nsfw"
    metrics.request_ids = dict.fromkeys(range(len(headers)), "id")
    made = Context("nsfw", "", {"model": {"modelVersion": "1.0"}}, len(headers), None, "0.12.0", True, metrics, {})
    made.request_processor = [RequestProcessor(HTTP | head) for head in headers]
    return made


def test_each_request_of_a_batch_gets_its_own_status_and_body(handler):
    ctx = context({}, {}, {"X-Policy": "nope"}, {"x-policy": "strict"}, {"describe": "True"}, {})
    bodies = handler.handle(
        [{"body": bytearray(PHOTO)}, {"body": b""}, {"body": PHOTO}, {"body": PHOTO}, {}, {"file": PHOTO}], ctx
    )
    answers = [json.loads(body) for body in bodies]
    assert [ctx.get_response_status(index)[0] for index in range(6)] == [200, 400, 400, 200, 200, 400]
    assert [ctx.get_response_content_type(index) for index in range(6)] == ["application/json"] * 6
    assert sum(answers[0]["results"][0]["scores"].values()) == pytest.approx(1, abs=3e-6)
    assert answers[1]["error"]["code"] == "empty_image"
    assert answers[2]["error"]["code"] == "unknown_policy"
    assert answers[3]["policy"]["name"] == "strict"
    assert answers[4]["model"]["weights"] == "random"
    assert answers[5]["error"]["code"] == "invalid_request"


def test_a_request_id_is_echoed_on_answers_and_on_every_kind_of_error(handler):
    ids = ["good", "empty", "unreadable", "unknown policy", None]
    heads = [{"X-Request-Id": name} if name else {} for name in ids]
    heads[2] |= {"Content-Type": "application/json"}
    heads[3] |= {"X-Policy": "nope"}
    ctx = context(*heads)
    bodies = handler.handle([{"body": PHOTO}, {"body": b""}, {"body": None}, {"body": PHOTO}, {"body": PHOTO}], ctx)
    assert [ctx.get_response_headers(index).get("X-Client-Request-Id") for index in range(5)] == ids
    assert [json.loads(body).get("request_id") for body in bodies] == ids


def test_a_grpc_answer_ends_a_stream_and_an_http_answer_says_nothing_of_streams(handler):
    ctx = context({}, {})
    ctx.request_processor[1] = RequestProcessor({"data": {"content-type": ""}})
    handler.handle([{"body": PHOTO}, {"data": PHOTO}], ctx)
    assert [ctx.get_response_headers(index).get("ts_stream_next") for index in range(2)] == [None, "false"]


def test_one_request_that_explodes_while_it_is_written_leaves_its_neighbours_alone(handler, monkeypatch):
    original = Service.reply

    def explode_on_strict(self, call, answer, request_id):
        if call.policy == "strict":
            raise RuntimeError("the pen broke")
        return original(self, call, answer, request_id)

    monkeypatch.setattr(Service, "reply", explode_on_strict)
    ctx = context({}, {"X-Policy": "strict"}, {})
    handler.handle([{"body": PHOTO}] * 3, ctx)
    assert [ctx.get_response_status(index)[0] for index in range(3)] == [200, 500, 200]


def test_a_fault_of_ours_is_internal_for_each_request_and_logs_no_image(handler, monkeypatch, caplog):
    def explode(requests: object) -> None:
        raise RuntimeError("the engine fell over")

    monkeypatch.setattr(handler.service.pipeline, "run", explode)
    ctx = context({}, {})
    bodies = handler.handle([{"body": PHOTO}, {"body": PHOTO}], ctx)
    assert [json.loads(body)["error"]["code"] for body in bodies] == ["internal", "internal"]
    assert ctx.get_response_status(0)[0] == 500
    assert "the engine fell over" in caplog.text
    assert "IHDR" not in caplog.text


def test_batches_requests_and_images_are_counted(handler, caplog):
    with caplog.at_level(logging.INFO):
        handler.handle([{"body": PHOTO}, {"body": b""}, {"file": b""}], context({}, {}, {}))
    counted = dict(re.findall(r"\[METRICS\](\w+)\.Count:([\d.]+)\|", caplog.text))
    assert {name: float(value) for name, value in counted.items()} == {
        "NsfwBatches": 1, "NsfwBatchSizes": 1, "NsfwRequests": 3, "NsfwImages": 2,
        "NsfwModelInputs": 1, "NsfwCacheHits": 0, "NsfwCacheMisses": 0, "NsfwDuplicates": 0,
    }  # fmt: skip


def test_sizes_seconds_and_cached_images_are_measured(handler, caplog):
    handler.service = replace(handler.service, pipeline=handler.service.pipeline.with_cache(ScoreCache(9), "00"))
    requests = [{"body": PHOTO}, {"body": PHOTO}, {"body": b"text"}]
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            handler.handle(requests, context({}, {}, {}))
    assert emitted(caplog, "NsfwBatchSizes.Count", "#Size:3,ModelName:nsfw,Level:Model|#type:COUNTER") == [1, 1]
    assert emitted(caplog, "NsfwModelInputs.Count") == [1, 0]
    assert emitted(caplog, "NsfwCacheHits.Count") == [0, 2]
    assert emitted(caplog, "NsfwCacheMisses.Count") == [2, 1]
    assert emitted(caplog, "NsfwDuplicates.Count") == [1, 0]
    for name in ("NsfwDecodeSeconds", "NsfwInferenceSeconds"):
        [seconds] = emitted(caplog, f"{name}.Seconds", "#ModelName:nsfw,Level:Model|#type:HISTOGRAM")
        assert seconds > 0


def emitted(caplog, name: str, tail: str = "") -> list[float]:
    """Return the values of one metric, as TorchServe reads them from the worker's log."""
    return [float(value) for value in re.findall(rf"\[METRICS\]{name}:([\d.e-]+)\|{re.escape(tail)}", caplog.text)]


def test_requests_scored_each_alone_are_each_measured(handler, monkeypatch, caplog):
    together = handler.service.pipeline.run

    def fall_over(requests):
        if len(requests) > 1:
            raise RuntimeError("too much at once")
        return together(requests)

    monkeypatch.setattr(handler.service.pipeline, "run", fall_over)
    ctx = context({}, {})
    with caplog.at_level(logging.INFO):
        handler.handle([{"body": PHOTO}] * 2, ctx)
    assert [ctx.get_response_status(index)[0] for index in range(2)] == [200, 200]
    assert emitted(caplog, "NsfwModelInputs.Count") == [1, 1]
    assert emitted(caplog, "NsfwBatchSizes.Count", "#Size:2,") == [1]


def test_what_a_shadow_policy_would_do_otherwise_is_counted_by_what_to_what(handler, caplog):
    answers = [
        Answer("default", "1", (), ((Action.ALLOW, Action.BLUR), (Action.REVIEW, Action.BLUR))),
        Answer("default", "1", (), ((Action.ALLOW, Action.BLUR),)),
    ]
    batch = Batch(tuple(answers), Measured())
    handler.service = replace(handler.service, pipeline=SimpleNamespace(run=lambda requests: batch))
    with caplog.at_level(logging.INFO):
        handler.handle([{"body": PHOTO}] * 2, context({}, {}))
    changes = re.findall(r"NsfwShadowDifferences\.Count:([\d.]+)\|#Change:([a-z ]+),ModelName:nsfw", caplog.text)
    assert sorted((change, float(count)) for count, change in changes) == [("allow to blur", 2), ("review to blur", 1)]


def test_a_refusal_is_logged_with_its_reason(tmp_path: Path, caplog):
    ctx = context()
    ctx.system_properties["model_dir"] = str(tmp_path)
    with caplog.at_level(logging.CRITICAL), pytest.raises(CheckpointError):
        NsfwHandler().initialize(ctx)
    assert "REFUSED TO SERVE:" in caplog.text
    assert "manifest.json" in caplog.text
