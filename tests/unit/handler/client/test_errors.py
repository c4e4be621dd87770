import json

import pytest

from trust_nsfw import errors as service_errors
from trust_nsfw.client import errors
from trust_nsfw.client.errors import BY_CODE, ModerationError, of_answer, of_code


def envelope(status: int, kind: str) -> bytes:
    return json.dumps({"code": status, "type": kind, "message": "as it says"}).encode()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"results": []}', None),
        (200, b"\x89PNG", None),
        (200, b'{"error": {"code": "corrupt_image", "message": "m"}}', errors.CorruptImage),
        (403, b'{"error": {"code": "url_not_allowed", "message": "m"}}', errors.UrlNotAllowed),
        (500, b'{"error": {"code": "internal", "message": "m"}}', errors.InternalError),
        (503, envelope(503, "ServiceUnavailableException"), errors.Overloaded),
        (400, envelope(400, "InvalidKeyException"), errors.Unauthorized),
        (401, b"", errors.Unauthorized),
        (403, b"<html>", errors.Unauthorized),
        (400, envelope(400, "BadRequestException"), errors.InvalidRequest),
        (404, envelope(404, "ModelVersionNotFoundException"), errors.NotFound),
        (405, envelope(405, "MethodNotAllowedException"), errors.InvalidRequest),
        (413, b"", errors.RequestTooLarge),
        (413, envelope(413, "TooLongFrameException"), errors.RequestTooLarge),
        (500, envelope(500, "InternalServerException"), errors.BackendFailed),
        (507, envelope(507, "InternalServerException"), errors.BackendFailed),
        (408, b"", errors.Unreachable),
        (429, b"<html>Too Many Requests</html>", errors.Overloaded),
        (502, b"<html>Bad Gateway</html>", errors.Unreachable),
        (504, b"<html>Gateway Timeout</html>", errors.Unreachable),
        (301, b"", errors.BackendFailed),
        (503, b"[1, 2]", errors.Overloaded),
        (500, b"{broken", errors.BackendFailed),
        (500, b'{"error": "not ours"}', errors.BackendFailed),
    ],
)
def test_every_answer_is_a_result_or_one_error(status, body, kind):
    error = of_answer(status, body)
    assert type(error) is (type(None) if kind is None else kind)
    if kind is not None and b"message" not in body:
        assert str(status) in error.message


def test_every_code_of_the_service_has_its_class_here_with_the_same_status():
    for original in service_errors.ServiceError.__subclasses__():
        if original is not ModerationError:
            assert issubclass(BY_CODE[original.code], original)
            assert BY_CODE[original.code].status == original.status


def test_codes_are_unique_and_none_is_lost():
    def derived(base):
        return {base} | {kind for one in base.__subclasses__() for kind in derived(one)}

    named = {kind for kind in derived(ModerationError) if kind.__name__ != "UnknownCode"}
    assert {kind.code for kind in named} == set(BY_CODE)
    assert len(named) == len(BY_CODE) + 1, "only the base shares a code, that of InternalError"
    assert BY_CODE["internal"] is errors.InternalError


def test_an_unknown_code_keeps_code_and_status():
    error = of_code("brand_new", "m", 418)
    assert (error.code, error.status, error.message) == ("brand_new", 418, "m")


def test_a_long_answer_of_somebody_else_is_quoted_in_part():
    assert len(of_answer(502, b"x" * 10_000_000).message) < 400
