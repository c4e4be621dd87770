"""Request fields and headers -> a Request. Three bodies over HTTP (raw, JSON, form), two over gRPC (data, request)."""

import json
import re
from collections.abc import Mapping
from typing import Any

from trust_nsfw.errors import InvalidRequest, UnsupportedFormat
from trust_nsfw.schema import Describe, Failure, Item, Output, Request
from trust_nsfw.wire import document
from trust_nsfw.wire.options import Options, accepts_image, checked_request_id, text_option
from trust_nsfw.wire.payload import payload_or_failure

OPTION_FIELDS = ("policy", "min_confidence")
RESERVED_FIELDS = ("explain", "describe", "url_path")
"""Names that TorchServe gives a meaning of its own: a form field of such a name would replace it."""

GRPC_KEYS = ("data", "request", "policy", "min_confidence", "request_id")
PART_HEADER_ALLOWANCE_BYTES = 512
"""What one form part may take beside its content, name and boundary: its headers, a long file name among them."""

BOUNDARY = re.compile(r';\s*boundary=("[^"]+"|[^\s;]+)', re.IGNORECASE)


def is_grpc(headers: Mapping[str, Any]) -> bool:
    """Tell gRPC from HTTP: TorchServe passes on no gRPC metadata, and always some header of an HTTP request."""
    return not any(isinstance(value, str) for value in headers.values())


def parse(fields: Mapping[str, Any], headers: Mapping[str, Any]) -> Request | Describe:
    """Read one request from what TorchServe makes of it; `headers` also holds a dict per field, which is not one.

    Raises InvalidRequest for what cannot be read, a key or field that is not known, an option given twice, and nothing
    to classify. What is wrong with a single image is a Failure in its Item.
    """
    if is_grpc(headers):
        return _from_grpc(fields)
    http = {name.lower(): value for name, value in headers.items() if isinstance(value, str)}
    if http.get("describe") == "True" and not any(fields.values()):  # a client's header beside an image is none
        return Describe()
    return _from_http(fields, http)


def caller_id(fields: Mapping[str, Any], headers: Mapping[str, Any]) -> str | None:
    """Return the caller's request id where it can be echoed, also for a request that cannot be read; never raises."""
    given = [fields.get("request_id")] if is_grpc(headers) else []
    given += [value for name, value in headers.items() if name.lower() == "x-request-id"]
    for value in given:
        try:
            return checked_request_id(text_option(value))
        except (InvalidRequest, TypeError, UnicodeDecodeError):
            continue
    return None


def _from_http(fields: Mapping[str, Any], http: Mapping[str, str]) -> Request:
    if http.get("url_path"):
        raise InvalidRequest(f"nothing may follow the model's version in the path: {http['url_path'][:64]!r}")
    options = Options.of_headers(http)
    content_type = http.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "multipart/form-data":
        options = options.merged(_form_options(fields))
        items, per_item = _form_items(fields, content_type, http.get("content-length")), True
    elif set(fields) != {"body"}:
        raise InvalidRequest("there is nothing to classify")
    elif media_type == "application/json":
        body = document.read(fields["body"])
        options, items, per_item = options.merged(body.options), body.items, True
    else:
        items, per_item = (Item(payload_or_failure(fields["body"])),), False
    output = _output(http)
    if output is not Output.RESULTS and len(items) != 1:
        raise InvalidRequest(f"{output} take one image a request, not {len(items)}")
    return options.request(items, per_item=per_item and output is Output.RESULTS, output=output)


def _from_grpc(fields: Mapping[str, Any]) -> Request:
    if unknown := [key for key in fields if key not in GRPC_KEYS]:
        raise InvalidRequest(f"unknown key {unknown[0][:64]!r}; known are {', '.join(GRPC_KEYS)}")
    if ("data" in fields) == ("request" in fields):
        raise InvalidRequest("send an image as `data` or JSON as `request`, one of the two")
    options = Options.of_texts({name: _text(fields[name], name) for name in GRPC_KEYS[2:] if name in fields})
    if "data" in fields:
        return options.request((Item(payload_or_failure(fields["data"])),), per_item=False)
    body = document.read(fields["request"])
    return options.merged(body.options).request(body.items, per_item=True)


def _form_options(fields: Mapping[str, Any]) -> Options:
    if reserved := [name for name in RESERVED_FIELDS if name in fields]:
        raise InvalidRequest(f"a form field may not be named {reserved[0]!r}")
    return Options.of_texts({name: _text(fields[name], name) for name in OPTION_FIELDS if name in fields})


def _form_items(fields: Mapping[str, Any], content_type: str, length: str | None) -> tuple[Item, ...]:
    boundary = BOUNDARY.search(content_type)
    if boundary is None:
        raise InvalidRequest("the form's content type names no boundary")
    _refuse_lost_parts(fields, len(boundary[1]), length)
    images = {name: value for name, value in fields.items() if name not in OPTION_FIELDS}
    if not images:
        raise InvalidRequest("there is nothing to classify: the form has no file")
    return tuple(Item(_form_payload(value), document.checked_id(name)) for name, value in images.items())


def _form_payload(value: Any) -> bytes | Failure:
    """Return a part's bytes; one that says it is JSON was parsed before it reached us and is no image."""
    if isinstance(value, str | bytes | bytearray):
        return payload_or_failure(value)
    return Failure.of(UnsupportedFormat("a part of JSON is no image"))


def _refuse_lost_parts(fields: Mapping[str, Any], boundary_bytes: int, length: str | None) -> None:
    """Notice that TorchServe kept only one of several parts of one name: the form was longer than what is left."""
    if length is None or not length.isdecimal():
        return
    arrived = sum(_size(value) for value in fields.values())
    heads = sum(PART_HEADER_ALLOWANCE_BYTES + boundary_bytes + len(name.encode()) for name in fields)
    if int(length) > arrived + heads + boundary_bytes:
        raise InvalidRequest(
            f"{arrived:,} of the form's {int(length):,} bytes arrived: give each file a field name of its own"
        )


def _size(value: Any) -> int:
    """Return a part's length in bytes; of one that was parsed as JSON, about that."""
    if isinstance(value, bytes | bytearray):
        return len(value)
    return len((value if isinstance(value, str) else json.dumps(value)).encode(errors="surrogatepass"))


def _output(http: Mapping[str, str]) -> Output:
    wants_image = accepts_image(http.get("accept", ""))
    if http.get("explain") != "True":
        return Output.MODERATED if wants_image else Output.RESULTS
    if wants_image:
        raise InvalidRequest("an explanation is JSON: leave image types out of Accept")
    return Output.EXPLAINED


def _text(value: Any, name: str) -> str:
    try:
        return text_option(value)
    except UnicodeDecodeError:
        raise InvalidRequest(f"{name} is not UTF-8 text") from None
