"""Every way a request may arrive, as TorchServe hands it over, and every way it may be wrong."""

import json
from base64 import b64encode

import pytest

from trust_nsfw.errors import InvalidRequest
from trust_nsfw.schema import Describe, Failure, Item, Output, Request
from trust_nsfw.wire.parsing import caller_id, is_grpc, parse

PNG = b"\x89PNG\r\n\x1a\n..."
B64 = b64encode(PNG).decode()
HTTP = {"explain": "False", "url_path": "", "Host": "127.0.0.1"}
FORM = {**HTTP, "Content-Type": "multipart/form-data; boundary=----abc"}
JSON = {**HTTP, "content-type": "application/json"}


def raw(body: object = PNG, **headers: str) -> Request:
    return parse({"body": body}, HTTP | {"body": {"content-type": ""}} | headers)


def as_json(body: object, **headers: str) -> Request:
    return parse({"body": body}, JSON | {"body": {"content-type": "application/json"}} | headers)


def grpc(**fields: bytes) -> Request:
    return parse(fields, {name: {"content-type": ""} for name in fields})


def payloads(request: Request) -> list:
    return [item.payload.code if isinstance(item.payload, Failure) else item.payload for item in request.items]


def test_a_raw_body_is_one_image_whatever_its_type():
    for kind in ("image/jpeg", "application/octet-stream", "", "text/plain"):
        assert raw(bytearray(PNG), **{"Content-Type": kind}) == Request((Item(PNG),))


def test_options_come_from_headers_of_any_case():
    request = raw(**{"X-POLICY": "strict", "x-min-confidence": "0.25", "X-Request-Id": "r-1"})
    assert (request.policy, request.min_confidence) == ("strict", 0.25)


def test_text_that_the_server_decoded_is_bytes_again():
    assert raw("hé").items == (Item("hé".encode()),)


@pytest.mark.parametrize("url", ["https://example.org/a.png", "  HTTP://example.org/a", "ftp://x/y", "s3://bucket/key"])
def test_an_image_by_url_is_not_fetched(url):
    for request in (raw(url.encode()), raw(url), grpc(data=url.encode()), parse({"a": url.encode()}, FORM)):
        assert payloads(request) == ["url_not_allowed"]
    assert payloads(as_json({"images": [{"url": url}]})) == ["url_not_allowed"]


def test_json_carries_many_images_in_order_with_ids_that_may_repeat():
    body = {"images": [{"id": "a", "b64": B64}, {"b64": B64}, {"id": "a", "b64": ""}], "policy": "strict"}
    for request in (as_json(body | {"min_confidence": 0}), grpc(request=_dump(body | {"min_confidence": 0}))):
        assert request == Request((Item(PNG, "a"), Item(PNG), Item(b"", "a")), "strict", 0.0, per_item=True)


def test_json_that_the_server_did_not_parse_is_parsed_here():
    body = _dump({"images": [{"b64": B64}]})
    assert payloads(as_json(bytearray(body))) == [PNG]
    request = parse({"body": body}, HTTP | {"Content-Type": "Application/JSON; charset=utf-8"})
    assert payloads(request) == [PNG]


def test_base64_may_be_wrapped_in_lines():
    assert payloads(as_json({"images": [{"b64": B64[:8] + "\r\n" + B64[8:] + "\n"}]})) == [PNG]


@pytest.mark.parametrize(
    ("image", "code"),
    [
        ({"b64": "not base64!"}, "invalid_request"),
        ({"b64": "data:image/png;base64," + B64}, "invalid_request"),
        ({"b64": "äöü"}, "invalid_request"),
        ({"b64": "QQ"}, "invalid_request"),
        ({}, "invalid_request"),
        ({"id": "x"}, "invalid_request"),
        ({"url": "https://example.org"}, "url_not_allowed"),
        ({"url": "https://example.org", "b64": B64}, "url_not_allowed"),
        ({"url": "https://example.org", "b64": "!"}, "invalid_request"),
    ],
)
def test_what_is_wrong_with_one_image_is_a_failure_in_its_slot(image, code):
    assert payloads(as_json({"images": [{"b64": B64}, image, {"b64": B64}]})) == [PNG, code, PNG]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (None, "JSON object"),
        ([], "JSON object"),
        ("images", "not JSON"),
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (7, "JSON object"),
        (float("nan"), "JSON object"),
        ({}, "at least one image"),
        ({"images": []}, "at least one image"),
        ({"images": {"b64": B64}}, "at least one image"),
        ({"images": [B64]}, r"images\[0\] must be an object"),
        ({"images": [{"b64": 7}]}, r"images\[0\].b64 must be a string"),
        ({"images": [{"b64": None}]}, r"images\[0\].b64 must be a string"),
        ({"images": [{"b64": B64, "name": "x"}]}, r"unknown key 'name' in images\[0\]; known are id, b64, url"),
        ({"images": [{"b64": B64, "id": 7}]}, "an id is a string of at most 128"),
        ({"images": [{"b64": B64, "id": "x" * 129}]}, "an id is a string of at most 128"),
        ({"images": [{"b64": B64}], "polcy": "x"}, "unknown key 'polcy' in the request"),
        ({"images": [{"b64": B64}], "policy": 7}, "policy must be a string"),
        ({"images": [{"b64": B64}], "min_confidence": "0.5"}, "min_confidence '0.5' is not a number from 0 to 1"),
        ({"images": [{"b64": B64}], "min_confidence": float("nan")}, "min_confidence nan"),
        ({"images": [{"b64": B64}], "min_confidence": True}, "min_confidence True"),
        ({"images": [{"b64": B64}], "min_confidence": 1.5}, "min_confidence 1.5"),
    ],
)
def test_json_that_is_not_the_document_is_refused_as_a_whole(body, message):
    with pytest.raises(InvalidRequest, match=message):
        as_json(body)


def test_a_form_carries_a_file_per_field_and_options_as_plain_fields():
    fields = {"b": bytearray(PNG), "policy": bytearray(b"strict"), "a": PNG, "min_confidence": b"0.5"}
    request = parse(fields, FORM | {"Content-Length": "900"})
    assert request == Request((Item(PNG, "b"), Item(PNG, "a")), "strict", 0.5, per_item=True)


def test_a_form_field_may_be_called_body():
    assert parse({"body": PNG}, FORM).items == (Item(PNG, "body"),)


def test_a_part_of_json_is_no_image():
    assert payloads(parse({"a": {"x": 1}, "b": PNG}, FORM)) == ["unsupported_format", PNG]


@pytest.mark.parametrize("name", ["explain", "describe", "url_path"])
def test_a_form_field_may_not_take_a_name_the_server_uses(name):
    with pytest.raises(InvalidRequest, match=name):
        parse({name: PNG}, FORM | {name: {"content-type": ""}})


def test_a_form_without_files_or_boundary_is_refused():
    with pytest.raises(InvalidRequest, match="nothing to classify"):
        parse({"policy": b"strict"}, FORM)
    with pytest.raises(InvalidRequest, match="no boundary"):
        parse({"body": PNG}, HTTP | {"Content-Type": "multipart/form-data"})


def test_two_form_fields_of_one_name_are_noticed_by_what_is_missing():
    image = bytes(20_000)
    whole = len(image) * 2 + 400
    with pytest.raises(InvalidRequest, match="20,000 of the form's 40,400 bytes arrived"):
        parse({"a": image}, FORM | {"Content-Length": str(whole)})
    assert len(parse({"a": image, "b": image}, FORM | {"Content-Length": str(whole)}).items) == 2
    with_json = {"a": image, "meta": {"x": 1}}
    with pytest.raises(InvalidRequest, match="bytes arrived"):
        parse(with_json, FORM | {"Content-Length": str(whole + 200)})
    thumbnail = bytes(900)
    with pytest.raises(InvalidRequest, match="bytes arrived"):
        parse({"a": thumbnail}, FORM | {"Content-Length": str(2 * (len(thumbnail) + 120))})


def test_grpc_is_told_by_the_absence_of_any_header():
    assert is_grpc({"data": {"content-type": ""}})
    assert is_grpc({})
    assert not is_grpc(HTTP)


def test_grpc_takes_an_image_with_options_as_text():
    request = grpc(data=PNG, policy=b"strict", min_confidence=b"0.1", request_id=b"r-1")
    assert request == Request((Item(PNG),), "strict", 0.1)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "one of the two"),
        ({"data": PNG, "request": b"{}"}, "one of the two"),
        ({"policy": b"strict"}, "one of the two"),
        ({"body": PNG}, "unknown key 'body'"),
        ({"data": PNG, "explain": b"True"}, "unknown key 'explain'"),
        ({"data": PNG, "policy": b"\xff"}, "policy is not UTF-8"),
        ({"data": PNG, "min_confidence": b"high"}, "min_confidence 'high' is not a number"),
        ({"data": PNG, "min_confidence": b"nan"}, "not a number from 0 to 1"),
        ({"request": b"{"}, "not JSON"),
    ],
)
def test_grpc_that_cannot_be_read_is_refused(fields, message):
    with pytest.raises(InvalidRequest, match=message):
        grpc(**fields)


def test_an_option_given_twice_is_refused():
    body = {"images": [{"b64": B64}], "policy": "strict", "min_confidence": 0.5}
    for header in ({"X-Policy": "strict"}, {"X-Min-Confidence": "0.5"}):
        with pytest.raises(InvalidRequest, match="given twice"):
            as_json(body, **header)
    with pytest.raises(InvalidRequest, match="policy is given twice"):
        grpc(request=_dump(body), policy=b"strict")
    with pytest.raises(InvalidRequest, match="policy is given twice"):
        parse({"a": PNG, "policy": b"x"}, FORM | {"X-Policy": "y"})


@pytest.mark.parametrize(
    ("accept", "output"),
    [
        ("*/*", Output.RESULTS),
        ("", Output.RESULTS),
        ("image/*", Output.MODERATED),
        ("IMAGE/JPEG", Output.MODERATED),
        ("image/webp,image/*;q=0.8,*/*;q=0.5", Output.MODERATED),
        ("application/json, image/*", Output.RESULTS),
        ("image/*;q=0", Output.RESULTS),
    ],
)
def test_accept_asks_for_a_moderated_image_only_in_so_many_words(accept, output):
    assert raw(Accept=accept).output is output


def test_a_moderated_image_and_an_explanation_take_one_image():
    one, two = {"images": [{"b64": B64}]}, {"images": [{"b64": B64}] * 2}
    assert as_json(one, Accept="image/*") == Request((Item(PNG),), output=Output.MODERATED)
    assert as_json(one, explain="True") == Request((Item(PNG),), output=Output.EXPLAINED)
    for headers in ({"Accept": "image/*"}, {"explain": "True"}):
        with pytest.raises(InvalidRequest, match="take one image a request, not 2"):
            as_json(two, **headers)
    with pytest.raises(InvalidRequest, match="an explanation is JSON"):
        raw(explain="True", Accept="image/*")


def test_what_follows_the_version_in_the_path_is_refused():
    with pytest.raises(InvalidRequest, match="'strict'"):
        raw(url_path="strict")


def test_a_describe_header_asks_for_the_description():
    assert parse({}, HTTP | {"describe": "True"}) == Describe()
    assert raw(describe="True") == Request((Item(PNG),)), "an image is classified whatever headers come with it"


@pytest.mark.parametrize("request_id", ["", "x" * 129, "a\r\nSet-Cookie: b", "é"])
def test_a_request_id_that_cannot_be_echoed_is_refused(request_id):
    with pytest.raises(InvalidRequest, match="a request id is"):
        raw(**{"X-Request-Id": request_id})


def test_the_callers_id_is_found_even_where_the_request_is_unreadable():
    assert caller_id({}, HTTP | {"x-REQUEST-id": "r-1"}) == "r-1"
    assert caller_id({"request_id": b"r-2"}, {"request_id": {"content-type": ""}}) == "r-2"
    assert caller_id({}, HTTP | {"X-Request-Id": "a\nb"}) is None
    assert caller_id({"X-Request-Id": PNG}, HTTP | {"X-Request-Id": {"content-type": ""}}) is None
    assert caller_id({"request_id": b"\xff"}, {}) is None
    assert caller_id({}, HTTP) is None


def _dump(content: object) -> bytes:
    return json.dumps(content).encode()
