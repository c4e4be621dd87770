"""The three clients do the same: the same calls, results, errors, retries."""

import hashlib
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fake_service import Fault
from trust_nsfw import errors as service_errors
from trust_nsfw.client import Action, Backoff, BatchAnswer, Failure, ModerationError, RequestLimits, Unscored, errors
from trust_nsfw.schema import Verdict

PICTURES = [f"picture {number}".encode() for number in range(50)]
UNAVAILABLE = {
    Fault.OVERLOADED: errors.Overloaded,
    Fault.WORKER_DIED: errors.BackendFailed,
    Fault.DROPPED: errors.Unreachable,
    Fault.CUT: errors.Unreachable,
    Fault.SILENT: errors.DeadlineExceeded,
    Fault.NOT_JSON: errors.InvalidAnswer,
    Fault.OTHER_IMAGE: errors.InvalidAnswer,
}
PATIENCE = {
    True: {"deadline_seconds": 0.3},
    False: {"backoff": Backoff(first_seconds=0.001, longest_seconds=0.01, attempts=3)},
}
"""How to give up soon on a server that says nothing, or else says it again and again."""


def sha256s(answer: BatchAnswer) -> list[str]:
    return [result.image.sha256 for result in answer.results]


def test_one_image_gives_a_verdict_with_everything_the_answer_says(bench):
    verdict = bench.client().classify(b"a picture", policy="strict", min_confidence=0.25, request_id="r-7")
    assert isinstance(verdict, Verdict)
    assert verdict.action in Action
    assert verdict.scores.classes()[verdict.label] == 0.8
    assert verdict.image.sha256 == hashlib.sha256(b"a picture").hexdigest()
    assert (verdict.policy.name, verdict.policy.version) == ("strict", "1")
    assert (verdict.model.engine, verdict.model.weights) == ("fake", "random")
    assert verdict.reasons[0].threshold == 0.5
    assert verdict.labels[0].score == 0.8
    assert verdict.request_id == "r-7"
    [received] = bench.service.received
    assert received.kind == "raw"
    assert received.options == {"policy": "strict", "min_confidence": "0.25", "request_id": "r-7"}
    assert "trust-nsfw/" in received.headers["user-agent"]


def test_an_image_may_be_bytes_a_path_or_an_open_file(bench, tmp_path):
    file = tmp_path / "picture"
    file.write_bytes(b"a picture")
    client = bench.client()
    with file.open("rb") as opened:
        images = [
            b"a picture",
            bytearray(b"a picture"),
            memoryview(b"a picture"),
            file,
            opened,
            io.BytesIO(b"a picture"),
        ]
        answer = client.classify_many(images)
    assert set(sha256s(answer)) == {hashlib.sha256(b"a picture").hexdigest()}
    assert client.classify(file).image.sha256 == sha256s(answer)[0]


@pytest.mark.parametrize("image", ["photo.jpg", 7, None, io.StringIO("text")])
def test_anything_else_is_a_type_error_that_says_what_an_image_is(bench, image):
    with pytest.raises(TypeError, match="binary|Path"):
        bench.client().classify(image)


@pytest.mark.parametrize(
    ("payload", "kind", "original"),
    [
        (b"", errors.EmptyImage, service_errors.EmptyImage),
        (b"text", errors.UnsupportedFormat, service_errors.UnsupportedFormat),
        (b"corrupt", errors.CorruptImage, service_errors.CorruptImage),
    ],
)
def test_a_refused_image_raises_the_error_of_its_code_under_both_names(bench, payload, kind, original):
    with pytest.raises(kind) as caught:
        bench.client().classify(payload)
    assert isinstance(caught.value, original)
    assert isinstance(caught.value, ModerationError)
    assert (caught.value.code, caught.value.status) == (original.code, original.status)
    assert caught.value.message == str(caught.value) != ""
    assert len(bench.service.received) == 1, "a refusal is final"


def test_a_code_that_is_newer_than_this_client_keeps_its_name(bench):
    bench.service.lasting_fault = Fault.NEW_CODE
    with pytest.raises(ModerationError) as caught:
        bench.client().classify(b"a picture")
    assert caught.value.code == "new_code"
    assert type(caught.value) is not ModerationError


def test_an_unknown_policy_and_an_unknown_model_are_raised_for_one_image_and_for_many(bench):
    client = bench.client()
    for classify in (client.classify, lambda image, **options: client.classify_many([image], **options)):
        with pytest.raises(errors.UnknownPolicy):
            classify(b"a picture", policy="nope")
        bench.service.faults.append(Fault.NOT_FOUND)
        with pytest.raises(errors.NotFound):
            classify(b"a picture")
    assert len(bench.service.received) == 4


@pytest.mark.parametrize(
    "options", [{"policy": "é"}, {"request_id": "a\r\nX: b"}, {"policy": ""}, {"request_id": " a"}]
)
def test_an_option_that_no_header_carries_is_refused_before_anything_is_sent(bench, options):
    with pytest.raises(errors.InvalidRequest):
        bench.client().classify(b"a picture", **options)
    assert bench.service.received == []


def test_many_images_come_back_in_order_with_failures_in_their_places(bench):
    images = [b"picture 1", b"", b"picture 2", b"corrupt", b"picture 1"]
    answer = bench.client().classify_many(images, policy="lenient", request_id="r-8")
    codes = [result.code if isinstance(result, Failure) else result.policy.name for result in answer.results]
    assert codes == ["lenient", "empty_image", "lenient", "corrupt_image", "lenient"]
    assert answer.results[1].status == 400
    assert [answer.results[index].image.sha256 for index in (0, 2, 4)] == [
        hashlib.sha256(images[index]).hexdigest() for index in (0, 2, 4)
    ]
    [received] = bench.service.received
    assert received.options == {"policy": "lenient", "request_id": "r-8"}


def test_a_mapping_gives_ids_of_any_text_and_duplicates_of_a_picture_are_fine(bench):
    images = {"a/é \"'\n": b"picture", "policy": b"picture", "": b"corrupt", "x" * 128: b"picture"}
    answer = bench.client().classify_many(images)
    assert answer.ids == tuple(images)
    assert dict(answer)[""].code == "corrupt_image"
    assert dict(answer)["policy"].image.sha256 == hashlib.sha256(b"picture").hexdigest()


@pytest.mark.parametrize("name", ["x" * 129, 7])
def test_an_id_that_the_contract_has_no_room_for_is_an_invalid_request_before_anything_is_sent(bench, name):
    images = {f"{number}": b"picture" for number in range(40)} | {name: b"picture"}
    with pytest.raises(errors.InvalidRequest, match="128"):
        bench.client().classify_many(images)
    assert bench.service.received == []


def test_no_images_are_no_requests(bench):
    assert bench.client().classify_many([]) == BatchAnswer((), ())
    assert bench.service.received == []


def test_fifty_images_are_four_requests_and_one_answer_in_order(bench):
    answer = bench.client().classify_many(iter(PICTURES))
    assert sha256s(answer) == [hashlib.sha256(payload).hexdigest() for payload in PICTURES]
    assert [received.images for received in bench.service.received] == [16, 16, 16, 2]


def test_requests_stay_within_the_limit_of_bytes_as_base64_counts_them(bench):
    limits = RequestLimits(max_images=16, max_body_bytes=4096)
    images = [bytes([number]) * size for number, size in enumerate([2000, 1500, 400, 400, 400, 3000, 100, 3500, 4096])]
    answer = bench.client(limits=limits).classify_many(images)
    assert sha256s(answer) == [hashlib.sha256(payload).hexdigest() for payload in images]
    assert all(received.body_bytes <= 4096 for received in bench.service.received)
    alone = [received.body_bytes for received in bench.service.received if received.kind == "raw"]
    assert alone == [3500, 4096], "what base64 makes too long travels raw"


def test_an_image_that_no_request_has_room_for_is_refused_here(bench, tmp_path):
    client = bench.client(limits=RequestLimits(max_body_bytes=1000))
    with pytest.raises(errors.RequestTooLarge, match="1,000"):
        client.classify(b"x" * 1001)
    answer = client.classify_many([b"picture", b"x" * 1001, tmp_path / "missing.jpg", tmp_path])
    assert [getattr(result, "code", "fine") for result in answer.results] == [
        "fine",
        "request_too_large",
        "unreadable_image",
        "unreadable_image",
    ]
    assert "missing.jpg can't be read: No such file" in answer.results[2].message
    assert [received.images for received in bench.service.received] == [1]


def test_animations_that_are_too_much_together_are_asked_about_in_halves(bench):
    images = [b"animation %d" % number for number in range(8)] + [b"picture"]
    answer = bench.client().classify_many(images)
    assert sha256s(answer) == [hashlib.sha256(payload).hexdigest() for payload in images]
    assert [received.images for received in bench.service.received] == [9, 4, 2, 2, 5, 2, 3]


def test_a_server_that_takes_less_than_we_thought_gets_halves_too_and_a_single_image_is_a_failure(bench):
    bench.service.faults.extend([Fault.TOO_LARGE, Fault.TOO_LARGE])
    answer = bench.client().classify_many([b"picture 1", b"picture 2"])
    assert [getattr(result, "code", "fine") for result in answer.results] == ["request_too_large", "fine"]


@pytest.mark.parametrize("fault", [Fault.OVERLOADED, Fault.DROPPED, Fault.CUT])
def test_a_full_queue_and_a_lost_connection_are_asked_again(bench, fault):
    if (bench.kind, fault) == ("grpc", Fault.CUT):
        pytest.skip("a gRPC answer is whole or not there")
    bench.service.faults.extend([fault] * 3)
    client = bench.client()
    assert client.classify(b"a picture").label
    assert len(bench.service.received) == 4
    bench.service.faults.extend([fault] * 2)
    assert len(client.classify_many(PICTURES[:20]).results) == 20
    assert [received.images for received in bench.service.received[4:]] == [16, 16, 16, 4]


def test_a_dead_worker_is_not_asked_again(bench):
    bench.service.faults.append(Fault.WORKER_DIED)
    with pytest.raises(errors.BackendFailed, match="Worker died"):
        bench.client().classify(b"a picture")
    assert len(bench.service.received) == 1


def test_attempts_may_be_counted_instead_of_filling_the_deadline(bench):
    bench.service.lasting_fault = Fault.OVERLOADED
    with pytest.raises(errors.Overloaded, match="no worker"):
        bench.client(backoff=Backoff(first_seconds=0.001, attempts=3)).classify(b"a picture")
    assert len(bench.service.received) == 3


@pytest.mark.parametrize("fault", UNAVAILABLE)
def test_an_unavailable_service_is_an_error_within_the_deadline(bench, fault):
    bench.service.lasting_fault = fault
    client = bench.client(**PATIENCE[fault is Fault.SILENT])
    with pytest.raises(UNAVAILABLE[fault]) as caught:
        client.classify(b"a picture")
    assert isinstance(caught.value, errors.Unavailable)
    if fault is not Fault.WORKER_DIED:  # which may be one image's doing
        with pytest.raises(UNAVAILABLE[fault]):
            client.classify_many(PICTURES[:2])


@pytest.mark.parametrize("fault", UNAVAILABLE)
def test_who_must_decide_anyway_gets_review_with_the_reason_and_no_scores(bench, fault):
    bench.service.lasting_fault = fault
    client = bench.client(on_unavailable="review", **PATIENCE[fault is Fault.SILENT])
    result = client.classify(b"a picture")
    assert isinstance(result, Unscored)
    assert isinstance(result, Failure)
    assert result.action is Action.REVIEW
    assert (result.code, result.status) == (UNAVAILABLE[fault].code, UNAVAILABLE[fault].status)
    assert result.message
    assert not hasattr(result, "scores")
    answer = client.classify_many({"a": b"picture", "b": b"other"})
    assert answer.ids == ("a", "b")
    assert {type(result) for result in answer.results} == {Unscored}


def test_review_never_covers_up_a_refusal(bench):
    client = bench.client(on_unavailable="review")
    with pytest.raises(errors.CorruptImage):
        client.classify(b"corrupt")
    with pytest.raises(errors.UnknownPolicy):
        client.classify_many([b"picture"], policy="nope")


def test_there_is_no_allow(bench):
    with pytest.raises(ValueError, match="there is no 'allow'"):
        bench.client(on_unavailable="allow")


def test_only_the_images_of_a_failed_request_are_unscored(bench):
    bench.service.faults.append(Fault.NOT_JSON)
    answer = bench.client(on_unavailable="review").classify_many(PICTURES[:20])
    assert [type(result).__name__ for result in answer.results] == ["Unscored"] * 16 + ["RemoteVerdict"] * 4


def test_an_image_that_the_service_fails_on_is_found_and_costs_no_other_its_verdict(bench):
    images = [*PICTURES[:20], b"breaker", *PICTURES[20:39]]
    answer = bench.client().classify_many(images)
    failure = answer.results[20]
    assert (type(failure), failure.code, failure.status) == (Failure, "internal", 500)
    verdicts = [result for result in answer.results if result is not failure]
    assert [verdict.image.sha256 for verdict in verdicts] == [hashlib.sha256(one).hexdigest() for one in PICTURES[:39]]
    assert [received.images for received in bench.service.received] == [16, 16, 8, 4, 4, 2, 1, 1, 2, 8, 8]
    with pytest.raises(errors.InternalError):
        bench.client(on_unavailable="review").classify(b"breaker")


@pytest.mark.parametrize(("on_unavailable", "kind"), [("raise", Failure), ("review", Unscored)])
def test_so_is_an_image_that_a_worker_dies_of(bench, on_unavailable, kind):
    bench.service.faults.extend([Fault.WORKER_DIED] * 2)
    answer = bench.client(on_unavailable=on_unavailable).classify_many(PICTURES[:2])
    assert (type(answer.results[0]), answer.results[0].code) == (kind, "backend_failed")
    assert answer.results[1].image.sha256 == hashlib.sha256(PICTURES[1]).hexdigest()


def test_all_requests_of_a_call_share_one_deadline(bench):
    bench.service.lasting_fault = Fault.SILENT
    answer = bench.client(on_unavailable="review").classify_many(PICTURES, deadline_seconds=0.5)
    assert [result.code for result in answer.results] == ["timeout"] * 50
    assert len(bench.service.received) == 1


@pytest.mark.parametrize("fault", [Fault.ONE_RESULT_SHORT, Fault.RESULTS_SWAPPED])
def test_a_result_that_is_missing_or_anothers_is_an_error_not_a_guess(bench, fault):
    bench.service.lasting_fault = fault
    with pytest.raises(errors.InvalidAnswer):
        bench.client().classify_many(PICTURES[:3])


def test_an_address_where_nobody_listens_is_unreachable(bench):
    client = bench.client(address=bench.nowhere, **PATIENCE[False])
    with pytest.raises(errors.Unreachable):
        client.classify(b"a picture")
    assert client.ready() is False


def test_a_token_goes_with_every_request_and_a_wrong_one_is_refused_once(bench):
    bench.service.token = "open-sesame"
    client = bench.client(token="open-sesame", management_token="open-sesame")
    assert client.classify(b"a picture").label
    assert client.ready() is True
    with pytest.raises(errors.Unauthorized, match="Token"):
        bench.client(token="guess").classify(b"a picture")
    with pytest.raises(errors.Unauthorized):
        bench.client().classify(b"a picture")
    assert len(bench.service.received) == 4


def test_a_key_file_is_read_again_once_when_its_key_is_not_accepted(bench, tmp_path):
    key_file = tmp_path / "key_file.json"
    write_keys(key_file, "old")
    client = bench.client(key_file=key_file)
    bench.service.token = "new"
    with pytest.raises(errors.Unauthorized):
        client.classify(b"a picture")
    assert len(bench.service.received) == 2
    write_keys(key_file, "new")
    assert client.classify(b"a picture").label
    assert client.classify(b"a picture").label
    assert [received.headers["authorization"] for received in bench.service.received[2:]] == [
        "Bearer old",
        "Bearer new",
        "Bearer new",
    ]


def write_keys(file: Path, key: str) -> None:
    file.write_text(json.dumps({"management": {"key": key}, "inference": {"key": key}, "API": {"key": "api"}}))


def test_describe_and_ready_ask_the_management_address(bench):
    client = bench.client()
    assert client.describe()["customizedMetadata"]["labels"][0] == "drawing"
    assert client.ready() is True
    bench.service.ready = False
    assert client.ready() is False
    assert [received.kind for received in bench.service.received] == ["describe", "status", "status"]
    bench.service.lasting_fault = Fault.NOT_FOUND
    assert client.ready() is False
    with pytest.raises(errors.NotFound):
        client.describe()


def test_no_proxy_stands_between_us_and_our_own_machine(bench, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert bench.client().classify(b"a picture").label


def test_threads_may_share_a_blocking_client_and_each_gets_its_own_answer(bench):
    if bench.kind == "async":
        pytest.skip("belongs to one event loop")
    client = bench.client()
    with ThreadPoolExecutor(16) as pool:
        verdicts = list(pool.map(client.classify, PICTURES))
    assert [verdict.image.sha256 for verdict in verdicts] == [hashlib.sha256(one).hexdigest() for one in PICTURES]
