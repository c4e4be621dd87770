"""What is taken for a right answer, and what is not."""

import copy
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from fake_service import MODEL
from traffic.call import Call, ExpectedImage, Judgement, Kind, Outcome, Reply
from traffic.checks import judge
from traffic.references import References
from traffic.result_checks import Asked
from trust_nsfw.schema import LABELS, Scores

SHA = "ab" * 32
ALLOWED = dict(zip(LABELS, (0.1, 0.1, 0.6, 0.1, 0.1), strict=True))
BLURRED = dict(zip(LABELS, (0.0, 0.2, 0.0, 0.7, 0.1), strict=True))
BUSY = b'{"code":503,"type":"ServiceUnavailableException","message":"Model has no worker"}'
GRPC_BUSY = b'Model "nsfw" has no worker to serve inference request.\nInternalServerException.()'

DIED, JAVA = b"Worker died.", b"\norg.pytorch.serve.http.InternalServerException"


def image(key: str = "a", name: str | None = None, error: str | None = None) -> ExpectedImage:
    return ExpectedImage(name, SHA, key, error, (40, 30), "image/jpeg")


def result(scores: dict[str, float] = ALLOWED, action: str = "allow", index: int = 0, name: str | None = None) -> Any:
    label = max(scores, key=scores.__getitem__)
    found = {"sha256": SHA, "format": "JPEG", "width": 40, "height": 30}
    groups, reasons = Scores(**scores).groups(), []
    return {"index": index, "id": name, "action": action, "label": label, "scores": dict(scores), "groups": groups,
            "reasons": reasons, "image": found}  # fmt: skip


def failed(code: str, index: int = 0, name: str | None = None) -> Any:
    return {"index": index, "id": name, "action": "error", "error": {"code": code, "message": "no"}}


def answer(*results: Any, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "policy": {"name": "default", "version": "1"}, "results": list(results), **more}


SINGLE = Call(Kind.SINGLE, b"", "image/jpeg", (image(),))
BATCH = Call(Kind.BATCH_4, b"", "application/json", (image("a", "x"), image("b", "y", "corrupt_image")))
BAD = Call(Kind.BAD, b"", "image/jpeg", (image("c", error="unsupported_format"),))
MODERATED = Call(Kind.MODERATED, b"", "image/jpeg", (image(),))
EXPLANATION = Call(Kind.EXPLANATION, b"", "image/jpeg", (image(),))
HEALTH = Call(Kind.HEALTH, b"", "", ())
RIGHT_BATCH = answer(result(name="x"), failed("corrupt_image", 1, "y"))
EXPLAINED = {"target": "neutral", "grid": [[0, 1], [0.5, 1]], "png_b64": "iVBORw0KGgoAAAA"}
PICTURE = {"content-type": "image/png", "x-moderation-action": "allow", "x-moderation-label": "neutral"}


def reply(content: Any, status: int = 200, **headers: str) -> Reply:
    body = content if isinstance(content, bytes) else json.dumps(content, separators=(",", ":")).encode()
    return Reply(status, str(status), body, headers)


def over_grpc(content: Any, code: str = "OK") -> Reply:
    return Reply(200, code, content if isinstance(content, bytes) else json.dumps(content).encode())


def judged(call: Call, found: Reply, latency_ms: float = 5.0, policy: str = "", version: str = "") -> Judgement:
    references = References({"a": ALLOWED, "d": BLURRED})
    return judge(call, found, latency_ms, 1000.0, references, asked=Asked(policy, version))


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, "teal").save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (SINGLE, reply(answer(result()))),
        (SINGLE, over_grpc(answer(result()))),
        (BATCH, reply(RIGHT_BATCH)),
        (BATCH, over_grpc(RIGHT_BATCH)),
        (EXPLANATION, reply(answer(result(), explanation=EXPLAINED))),
        (MODERATED, Reply(200, "200", picture(), PICTURE)),
        (MODERATED, Reply(200, "200", picture("JPEG"), PICTURE | {"content-type": "image/jpeg"})),
        (MODERATED, Reply(200, "200", picture("WEBP", (20, 15)), PICTURE | {"content-type": "image/webp"})),
        (MODERATED, Reply(200, "200", picture("GIF", (13, 10)), PICTURE | {"content-type": "image/gif"})),
        (HEALTH, reply(b'{\n  "status": "Healthy"\n}\n')),
    ],
)
def test_a_right_answer_is_right(call, found):
    assert judged(call, found) == Judgement(Outcome.RIGHT)


def test_a_policy_that_was_asked_for_decides():
    strict = answer(result(action="review")) | {"policy": {"name": "strict", "version": "1"}}
    strict["results"][0]["reasons"] = [{"rule": "uncertain", "score": "explicit", "value": 0.2, "threshold": 0.15}]
    assert judged(SINGLE, reply(strict), policy="strict").outcome is Outcome.RIGHT
    assert "policy default, asked for was strict" in judged(SINGLE, reply(answer(result())), policy="strict").message


def of_policy(name: str, version: str) -> Reply:
    return reply(answer(result(action="review")) | {"policy": {"name": name, "version": version}})


def test_a_policy_of_ones_own_cannot_be_replayed_and_passes_with_one_warning(caplog: pytest.LogCaptureFixture):
    references = References({"a": ALLOWED})
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert judge(SINGLE, of_policy("ours", "7"), 5.0, 1000.0, references).outcome is Outcome.RIGHT
    assert caplog.messages == ["Policy ours 7 is none of those shipped: its actions can't be checked"]
    for found in (of_policy("ours", "8"), of_policy("mine", "7"), reply(answer(result()))):
        wrong = judge(SINGLE, found, 5.0, 1000.0, references)
        assert (wrong.outcome, wrong.message.rpartition(", ")[2]) == (Outcome.WRONG, "those before by ours 7")


def test_a_version_that_was_asked_for_must_answer():
    assert judged(SINGLE, reply(answer(result())), version="1.0").outcome is Outcome.RIGHT
    assert "version 1.0, asked for was 2.0" in judged(SINGLE, reply(answer(result())), version="2.0").message


def test_an_explanation_is_of_what_decided_first():
    call = replace(EXPLANATION, images=(image("d"),))
    blurred = result(BLURRED, "blur")
    blurred["reasons"] = [{"rule": "explicit", "score": "explicit", "value": 0.9, "threshold": 0.85}]
    for target, outcome in (("explicit", Outcome.RIGHT), ("porn", Outcome.WRONG)):
        assert judged(call, reply(answer(blurred, explanation=EXPLAINED | {"target": target}))).outcome is outcome


def test_a_moderated_picture_may_be_as_large_as_the_contract_keeps_it():
    call = replace(MODERATED, images=(replace(image(), size_px=(4000, 3001)),))
    for size, outcome in (((2048, 1537), Outcome.RIGHT), ((1024, 768), Outcome.RIGHT), ((4000, 3001), Outcome.WRONG)):
        assert judged(call, Reply(200, "200", picture(size=size), PICTURE)).outcome is outcome, size


def test_a_moderated_pictures_action_is_known_where_no_threshold_is_near():
    references = References({"a": ALLOWED, "close": ALLOWED | {"neutral": 0.0, "porn": 0.4045, "drawing": 0.3955}})
    assert references.action_of("a", "") is None
    assert references.action_of("a", "strict") == "review"
    assert references.problem_of_policy("default", "1", "") is None
    assert references.action_of("a", "") == "allow"
    assert references.action_of("close", "") is None
    assert references.action_of("unknown", "") is None
    blurred = Reply(200, "200", picture(), PICTURE | {"x-moderation-action": "blur"})
    wrong = judge(MODERATED, blurred, 5.0, 1000.0, references)
    assert (wrong.outcome, wrong.message) == (
        Outcome.WRONG,
        "a moderated picture of action blur; its scores make allow",
    )
    assert references.problem_of_policy("default", "2", "") is not None


@pytest.mark.parametrize("found", [reply({"error": {"code": "unsupported_format", "message": "no"}}, 415),
                                   over_grpc({"error": {"code": "unsupported_format", "message": "no"}})])  # fmt: skip
def test_a_bad_file_must_get_its_own_error(found):
    assert judged(BAD, found) == Judgement(Outcome.EXPECTED_ERROR, "", "unsupported_format")


@pytest.mark.parametrize(
    ("call", "found", "outcome"),
    [
        (SINGLE, reply(BUSY, 503), Outcome.REFUSED),
        (BAD, reply(BUSY, 503), Outcome.REFUSED),
        (SINGLE, over_grpc(GRPC_BUSY, "INTERNAL"), Outcome.REFUSED),
        (SINGLE, over_grpc(DIED + JAVA, "INTERNAL"), Outcome.FAILED),
        (BAD, over_grpc(b"number of batch response mismatched" + JAVA, "UNAVAILABLE"), Outcome.FAILED),
        (SINGLE, over_grpc(b"out of memory" + JAVA, "UNKNOWN"), Outcome.FAILED),
        (SINGLE, over_grpc(b"Model not found: b\norg.pytorch.serve.archive.model.ModelNotFoundException", "INTERNAL"),
         Outcome.WRONG),
        (SINGLE, over_grpc(b"Exception iterating responses: no", "UNKNOWN"), Outcome.WRONG),
        (HEALTH, reply(BUSY, 503), Outcome.WRONG),
        (HEALTH, reply({"status": "Unhealthy"}, 500), Outcome.WRONG),
        (SINGLE, reply({"code": 503, "type": "InternalServerException", "message": "Prediction failed"}, 503),
         Outcome.FAILED),
        (BATCH, reply({"code": 500, "type": "InternalServerException", "message": "Worker died."}, 500),
         Outcome.FAILED),
        (MODERATED, reply({"code": 507, "type": "InternalServerException", "message": "out of memory"}, 507),
         Outcome.FAILED),
        (SINGLE, reply({"code": 404, "type": "ModelNotFoundException", "message": "no"}, 404), Outcome.WRONG),
        (SINGLE, reply({"error": {"code": "internal", "message": "InternalServerException"}}, 500), Outcome.WRONG),
        (SINGLE, reply(b"<html>InternalServerException", 502), Outcome.WRONG),
        (SINGLE, reply(b"ServiceUnavailableException", 503), Outcome.WRONG),
        (SINGLE, reply(b"", 500), Outcome.WRONG),
    ],
)  # fmt: skip
def test_what_the_full_queue_refuses_is_told_from_what_fails(call, found, outcome):
    judgement = judged(call, found, latency_ms=5000)
    assert judgement.outcome is outcome
    stable = {Outcome.REFUSED: "overloaded", Outcome.FAILED: "backend_failed"}
    assert outcome is Outcome.WRONG or judgement.error_code == stable[outcome]
    assert not outcome.is_success


def test_a_right_answer_after_the_deadline_is_late():
    assert judged(SINGLE, reply(answer(result())), latency_ms=1000).outcome is Outcome.RIGHT
    late = judged(SINGLE, reply(answer(result())), latency_ms=1000.1)
    assert late == Judgement(Outcome.LATE, "answered later than 1000 ms")
    assert judged(BAD, reply({"error": {"code": "unsupported_format"}}, 415), latency_ms=2000).outcome is Outcome.LATE
    assert judged(SINGLE, reply(answer()), latency_ms=2000).outcome is Outcome.WRONG


def changed(change: Callable[[Any], None], content: Any) -> Reply:
    content = copy.deepcopy(content)
    change(content)
    return reply(content)


def first(**fields: Any) -> Callable[[Any], None]:
    return lambda content: content["results"][0].update(fields)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content["results"].pop(), "1 results for 2 images"),
        (lambda content: content["results"].clear(), "0 results for 2 images"),
        (lambda content: content["results"].reverse(), "result 0: index 1"),
        (first(index=1), "result 0: index 1"),
        (first(id="y"), "result 0: index 0 and id y, sent was x"),
        (first(image={"sha256": "cd" * 32}), "another image"),
        (first(image={"sha256": SHA, "format": "PNG", "width": 40, "height": 30}), "of format PNG"),
        (first(image={"sha256": SHA, "format": "JPEG", "width": 30, "height": 40}), "30x40 px, sent was"),
        (first(groups={"explicit": 0.2, "nsfw": 0.3}), "groups ['explicit', 'nsfw']"),
        (first(groups={"explicit": 0.2, "nsfw": 0.3, "illustrated": 0.200003}), "illustrated is 0.200003"),
        (first(groups={"explicit": float("nan"), "nsfw": 0.3, "illustrated": 0.2}), "explicit is nan"),
        (first(reasons=[{"rule": "uncertain", "score": "nsfw", "value": 0.3, "threshold": 0.2}]), "the reasons are [{"),
        (lambda content: content["model"].update(name="other"), "an answer of model other"),
        (lambda content: content["model"].update(engine=""), "a model without engine"),
        (lambda content: content["model"].update(precision=None), "a model without precision"),
        (lambda content: content["model"].pop("weights"), "not the shape"),
        (lambda content: content["model"].pop("checkpoint"), "not the shape"),
        (first(scores=BLURRED, label="porn", action="blur"), "drawing is 0.0000, expected 0.1000"),
        (first(action="blur"), "the action is blur; policy default 1 makes allow"),
        (first(label="porn"), "the label is porn"),
        (first(label="gore"), "the label is gore"),
        (first(scores=ALLOWED | {"neutral": float("nan")}), "no probabilities"),
        (first(scores=ALLOWED | {"neutral": 1.5}), "no probabilities"),
        (first(scores=ALLOWED | {"neutral": "0.6"}), "not the shape"),
        (first(scores=ALLOWED | {"neutral": 0.60001}), "the probabilities sum to 1.000010"),
        (first(scores={"neutral": 1.0}), "labels ['neutral']"),
        (first(scores=ALLOWED | {"gore": 0.0}), "labels"),
        (first(action="error", error={"code": "internal"}), "result 0: internal, expected scores"),
        (lambda content: content["results"].__setitem__(1, result(index=1, name="y")), "result 1: allow, expected"),
        (lambda content: content["results"][1]["error"].update(code="internal"), "result 1: internal, expected"),
        (lambda content: content.pop("results"), "no results"),
        (lambda content: content.pop("policy"), "not the shape of an answer"),
        (lambda content: content.update(results=None), "not the shape of an answer"),
        (lambda content: content.update(results=[1, 2]), "not the shape of an answer"),
    ],
)  # fmt: skip
def test_any_other_answer_is_wrong(change, said):
    found = judged(BATCH, changed(change, RIGHT_BATCH))
    assert found.outcome is Outcome.WRONG
    assert said in found.message


@pytest.mark.parametrize(
    ("call", "found", "said"),
    [
        (SINGLE, reply(b""), "not the shape of an answer: an empty answer"),
        (SINGLE, reply(b"[]"), "not the shape of an answer: []"),
        (SINGLE, reply(b"null"), "not the shape"),
        (SINGLE, reply(b"<html>"), "not the shape of an answer: <html>"),
        (SINGLE, reply(failed("corrupt_image"), 422), "422: "),
        (SINGLE, over_grpc({"error": {"code": "internal", "message": "no"}}), "no results: {'code': 'internal'"),
        (BAD, reply(answer(result())), "200 where a bad file must get 415"),
        (BAD, reply({"error": {"code": "corrupt_image"}}, 422), "422 where a bad file must get 415"),
        (BAD, reply({"error": {"code": "corrupt_image"}}, 415), "corrupt_image where a bad file"),
        (BAD, over_grpc(answer(result())), "not the shape"),
        (HEALTH, reply({"status": "Partial Healthy"}), "health: "),
        (MODERATED, reply(answer(result())), "no picture of a known type: nothing"),
        (MODERATED, Reply(200, "200", b"GIF8", PICTURE), "no picture of a known type: image/png that begins with"),
        (MODERATED, Reply(200, "200", b"", PICTURE), "no picture"),
        (MODERATED, Reply(200, "200", picture(), PICTURE | {"x-moderation-action": "error"}), "of action error"),
        (MODERATED, Reply(200, "200", picture(), PICTURE | {"x-moderation-label": "porn"}), "best score is that of"),
        (MODERATED, Reply(200, "200", picture(), {"content-type": "image/png"}), "of action None"),
        (MODERATED, Reply(200, "200", picture()[:20], PICTURE), "no picture"),
        (MODERATED, Reply(200, "200", picture(size=(30, 40)), PICTURE), "of 30x40 px; sent were 40x30"),
        (MODERATED, Reply(200, "200", picture(size=(30, 30)), PICTURE), "another shape than the 40x30 sent"),
        (EXPLANATION, reply(answer(result())), "not the shape"),
        (EXPLANATION, reply(answer(result(), explanation=EXPLAINED | {"grid": []})), "no equal rows"),
        (EXPLANATION, reply(answer(result(), explanation=EXPLAINED | {"grid": [[0], [0, 1]]})), "no equal rows"),
        (EXPLANATION, reply(answer(result(), explanation=EXPLAINED | {"grid": [[2]]})), "leaves 0 to 1"),
        (EXPLANATION, reply(answer(result(), explanation=EXPLAINED | {"png_b64": ""})), "without a PNG"),
        (EXPLANATION, reply(answer(result(), explanation=EXPLAINED | {"target": "porn"})), "what decided was neutral"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_wrong(call, found, said):
    judgement = judged(call, found)
    assert judgement.outcome is Outcome.WRONG
    assert said in judgement.message


def test_a_wrong_answers_own_code_is_kept_for_the_tables():
    assert judged(SINGLE, reply({"error": {"code": "internal", "message": "no"}}, 500)).error_code == "internal"
    assert judged(SINGLE, reply(b'{"error":[]}', 500)).error_code == ""
