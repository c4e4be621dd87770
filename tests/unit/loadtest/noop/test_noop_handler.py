"""The no-op against TorchServe's own Context: its answers pass for the real service's."""

import base64
import hashlib
import json
from pathlib import Path
from random import Random

import pytest
from ts.context import Context, RequestProcessor

from measuring.answers import Expected, problem_of
from measuring.pictures import photos
from noop import packing
from noop.noop_handler import ANSWER_FILE, NoopHandler
from traffic.call import Judgement, Kind, Outcome, Reply
from traffic.calls import BATCHES, Calls
from traffic.checks import judge
from traffic.fresh import Fresh
from traffic.mix import mix_of_folder
from traffic.references import References

PAYLOADS = (b"\xff\xd8 one", b"\xff\xd8 another")


def context(folder: Path, requests: int) -> Context:
    made = Context("nsfw", str(folder), {"model": {"modelVersion": "1.0"}}, requests, None, "0.12.0", True, None, {})
    made.request_processor = [RequestProcessor({}) for _ in range(requests)]
    return made


@pytest.fixture
def handler(tmp_path: Path) -> NoopHandler:
    (tmp_path / ANSWER_FILE).write_bytes(packing.answer())
    made = NoopHandler()
    made.initialize(context(tmp_path, 1))
    return made


def sha256(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


def test_each_image_of_a_batch_is_answered_as_the_service_would(handler: NoopHandler, tmp_path: Path):
    ctx = context(tmp_path, 2)
    bodies = handler.handle([{"body": PAYLOADS[0]}, {"data": bytearray(PAYLOADS[1])}], ctx)
    scores = packing.SCORES.classes()
    for index, (body, payload) in enumerate(zip(bodies, PAYLOADS, strict=True)):
        assert problem_of("ours", 200, body, Expected(sha256(payload), scores)) is None
        assert json.loads(body)["results"][0]["id"] is None
        assert ctx.get_response_content_type(index) == "application/json"


@pytest.mark.parametrize("grpc", [False, True])
def test_json_is_answered_item_by_item_with_ids_and_indexes(handler: NoopHandler, tmp_path: Path, grpc: bool):
    items = [
        {"id": "a", "b64": base64.b64encode(PAYLOADS[0]).decode()},
        {"b64": base64.b64encode(PAYLOADS[1]).decode()},
    ]
    asked = {"images": items}
    fields = {"request": json.dumps(asked).encode()} if grpc else {"body": asked}
    [body] = handler.handle([fields], context(tmp_path, 1))
    results = json.loads(body)["results"]
    assert [(one["index"], one["id"], one["image"]["sha256"]) for one in results] == [
        (0, "a", sha256(PAYLOADS[0])),
        (1, None, sha256(PAYLOADS[1])),
    ]


@pytest.mark.parametrize("kind", [Kind.SINGLE, Kind.BATCH_4, Kind.BATCH_16])
def test_the_load_tests_own_checks_find_nothing_wrong(handler: NoopHandler, tmp_path: Path, kind: Kind):
    (folder := tmp_path / "pictures").mkdir()
    for index, payload in enumerate(photos(2)):
        (folder / f"{index}.jpg").write_bytes(payload)
    call = Calls(mix_of_folder(folder), Fresh(), Random(0)).draw(kind)
    fields = {"body": json.loads(call.body) if kind in BATCHES else call.body}
    [body] = handler.handle([fields], context(tmp_path, 1))
    judged = judge(call, Reply(200, "200", body), 1.0, 1000.0, References())
    assert judged == Judgement(Outcome.RIGHT)


def test_an_answer_does_not_change_the_next(handler: NoopHandler, tmp_path: Path):
    first, again = (handler.handle([{"body": PAYLOADS[0]}], context(tmp_path, 1)) for _ in range(2))
    assert first == again
