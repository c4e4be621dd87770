"""Schemathesis against a live server: whatever it is sent, it answers as docs/openapi.yaml declares."""

from base64 import b64encode
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import CheckContext, not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import openapi_document
import pictures
from serving.torchserve_process import TorchServeProcess

LIMIT_SECONDS = 300
SCORE_TOLERANCE = 0.001
SHOWN = ("index", "id", "action", "label", "reasons", "error", "image")
ACCEPTED = ("*/*", "application/json", "image/*")

SMALL = pictures.photo("chelsea.png").resize((90, 60))
JPEG, PNG = pictures.encode(SMALL, "JPEG"), pictures.encode(SMALL, "PNG")
PICTURES = [JPEG, PNG, pictures.encode(pictures.glass(1), "WEBP"), pictures.animated_gif(3)]
BROKEN = [JPEG[: len(JPEG) // 2], PNG.replace(b"IDAT", b"IDOT"), pictures.huge_png()]
NOT_PICTURES = [b"hello", b"https://example.org/cat.jpg", b""]


def picture_or_not() -> st.SearchStrategy[bytes]:
    """Draw what may be sent as an image: mostly pictures, whole and damaged."""
    return st.sampled_from(PICTURES + BROKEN + NOT_PICTURES) | st.binary(max_size=64)


def base64_or_not() -> st.SearchStrategy[str]:
    """Draw what may be sent as base64: mostly what is."""
    return picture_or_not().map(lambda payload: b64encode(payload).decode()) | st.text(max_size=20)


def no_fault_of_ours(_: CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """A 5xx of this service says `error`; one of TorchServe's, for what it can't read, does not."""
    assert response.status_code < 500 or "error" not in response.json(), f"{case} is answered with {response.text}"


def no_violation_accepted(ctx: CheckContext, response: schemathesis.Response, case: schemathesis.Case) -> None:
    """What the schema does not allow is refused, or, where it is one of several images, an error in its place."""
    if response.status_code == 200 and b'"action":"error"' not in response.content:
        negative_data_rejection(ctx, response, case)


AS_DECLARED = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CHECKS = {
    GenerationMode.POSITIVE: [*AS_DECLARED, not_a_server_error],
    GenerationMode.NEGATIVE: [*AS_DECLARED, no_fault_of_ours, no_violation_accepted],
}


@pytest.fixture(scope="module")
def api() -> schemathesis.BaseSchema:
    """The document, and beside it, for the generator only, what to draw where an image belongs."""
    for media_type in ("image/gif", "image/jpeg", "image/png", "image/webp", "application/octet-stream"):
        schemathesis.openapi.media_type(media_type, picture_or_not())
    schemathesis.openapi.format("picture", picture_or_not())
    schemathesis.openapi.format("base64-picture", base64_or_not())
    document = openapi_document.load()
    images, form = (document["components"]["schemas"][name] for name in ("Images", "Form"))
    images["properties"]["images"]["items"]["properties"]["b64"]["format"] = "base64-picture"
    form["additionalProperties"]["format"] = "picture"
    form["properties"] |= {"a": form["additionalProperties"], "b": form["additionalProperties"]}
    return schemathesis.openapi.from_dict(document, config=schemathesis.Config())


@pytest.fixture(autouse=True)
def the_same_worker(server: TorchServeProcess) -> Iterator[None]:
    before = server.worker_pids()
    yield
    assert server.worker_pids() == before


def checked(
    server: TorchServeProcess,
    case: schemathesis.Case,
    accept: str = "*/*",
    mode: GenerationMode = GenerationMode.POSITIVE,
) -> schemathesis.Response:
    """Send a request and return its answer; raises a group of whatever is not as declared."""
    address = server.config.management if case.path.startswith("/models") else server.config.inference
    return case.call_and_validate(address.url, headers={"Accept": accept}, checks=CHECKS[mode], timeout=LIMIT_SECONDS)


@pytest.mark.parametrize(
    ("operation_id", "mode", "requests"),
    [
        ("classify", GenerationMode.POSITIVE, 36),
        ("classify", GenerationMode.NEGATIVE, 24),
        ("explain", GenerationMode.POSITIVE, 4),
        ("explain", GenerationMode.NEGATIVE, 4),
        ("describe", GenerationMode.POSITIVE, 3),
        ("ping", GenerationMode.POSITIVE, 1),
    ],
)
def test_generated_requests_are_answered_as_declared(server, api, operation_id, mode, requests):
    operation = api.find_operation_by_id(operation_id)

    @settings(
        max_examples=requests,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(case=operation.as_strategy(generation_mode=mode), accept=st.sampled_from(ACCEPTED))
    def ask(case, accept):
        checked(server, case, accept, mode)

    ask()


@pytest.mark.parametrize(
    ("operation_id", "accept", "whole"),
    [("classify", "application/json", PICTURES), ("classify", "image/*", PICTURES), ("explain", "*/*", PICTURES[:1])],
    ids=["scores", "a moderated image", "an explanation"],
)
def test_raw_images_have_every_status_that_is_declared_and_no_other(server, api, operation_id, accept, whole):
    operation = api.find_operation_by_id(operation_id)
    statuses = set()
    for payload in whole + BROKEN + NOT_PICTURES:
        case = operation.Case(body=payload, media_type="application/octet-stream")
        statuses.add(str(checked(server, case, accept).status_code))
    assert statuses == set(operation.responses.status_codes) - {"500", "503"}


@pytest.mark.parametrize("operation_id", ["classify", "explain"])
def test_the_request_that_is_shown_has_the_answer_that_is_shown(server, api, operation_id):
    shown = {name: content.get("example") for name, content in openapi_document.contents(openapi_document.load())}
    request, expected = (shown[f"{operation_id} {part} application/json"] for part in ("request", "200"))
    case = api.find_operation_by_id(operation_id).Case(body=request, media_type="application/json")
    answer = checked(server, case).json()
    assert [answer[key] for key in ("model", "policy")] == [expected[key] for key in ("model", "policy")]
    for result, other in zip(answer["results"], expected["results"], strict=True):
        assert result.get("scores") == pytest.approx(other.get("scores"), abs=SCORE_TOLERANCE)
        assert [result.get(key) for key in SHOWN] == [other.get(key) for key in SHOWN]
