"""Stand-ins for TorchServe on 127.0.0.1, over HTTP and over gRPC, whose every fault a test can order.

What TorchServe says itself (envelopes, statuses, details) was copied from a real one, 0.12.0.
"""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

from fake_service import TINY_PNG, FakeService, Fault, Received, RefusedError
from trust_nsfw.client._stubs import inference_pb2, inference_pb2_grpc, management_pb2, management_pb2_grpc

OPTION_HEADERS = {"x-policy": "policy", "x-min-confidence": "min_confidence", "x-request-id": "request_id"}
TRICKLE_SECONDS = 0.05
NO_WORKER = 'Model "nsfw" has no worker to serve inference request. Please use scale workers API to add workers.'
BAD_TOKEN = "Token Authorization failed. Token either incorrect, expired, or not provided correctly"
ENVELOPES = {
    Fault.OVERLOADED: (503, "ServiceUnavailableException", NO_WORKER),
    Fault.WORKER_DIED: (500, "InternalServerException", "Worker died."),
    Fault.NOT_FOUND: (404, "ModelNotFoundException", "Model not found: nsfw"),
}
STATUSES = {
    Fault.OVERLOADED: (grpc.StatusCode.INTERNAL, f"{NO_WORKER}\nInternalServerException.()"),
    Fault.WORKER_DIED: (grpc.StatusCode.INTERNAL, "Worker died.\norg.pytorch.serve.http.InternalServerException"),
    Fault.NOT_FOUND: (
        grpc.StatusCode.INTERNAL,
        "Model not found: nsfw\norg.pytorch.serve.archive.model.ModelNotFoundException",
    ),
    Fault.DROPPED: (grpc.StatusCode.UNAVAILABLE, "Socket closed"),
    Fault.CUT: (grpc.StatusCode.UNAVAILABLE, "Stream removed"),
    Fault.TOO_LARGE: (grpc.StatusCode.RESOURCE_EXHAUSTED, "gRPC message exceeds maximum size"),
    Fault.CANCELLED: (grpc.StatusCode.CANCELLED, "Cancelled"),
}


@dataclass(frozen=True)
class FakeServer:
    """A running stand-in and the address of it; over HTTP everything is on one."""

    service: FakeService
    address: str


@contextmanager
def fake_http_server(service: FakeService) -> Iterator[FakeServer]:
    """Serve over HTTP until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _http_handler(service))
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield FakeServer(service, f"http://127.0.0.1:{server.server_port}")
    finally:
        service.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def fake_grpc_server(service: FakeService) -> Iterator[FakeServer]:
    """Serve over gRPC until the block ends."""
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.max_receive_message_length", 32 * 1024 * 1024)])
    servicer = _GrpcService(service)
    inference_pb2_grpc.add_InferenceAPIsServiceServicer_to_server(servicer, server)
    management_pb2_grpc.add_ManagementAPIsServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield FakeServer(service, f"127.0.0.1:{port}")
    finally:
        service.ended.set()
        server.stop(0).wait()


def _images(body: bytes, is_json: bool) -> list[tuple[str | None, bytes]]:
    if not is_json:
        return [(None, body)]
    content = json.loads(body)
    assert set(content) == {"images"}
    return [(image["id"], base64.b64decode(image["b64"], validate=True)) for image in content["images"]]


def _http_handler(service: FakeService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve("describe" if self.path.endswith("?customized=true") else "status", b"")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path.startswith("/explanations/"):
                kind = "explained"
            elif self.headers["Accept"] == "image/*":
                kind = "moderated"
            else:
                kind = "json" if self.headers["Content-Type"] == "application/json" else "raw"
            self._serve(kind, body)

        def _serve(self, kind: str, body: bytes) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            options = {name: headers[header] for header, name in OPTION_HEADERS.items() if header in headers}
            images = _images(body, kind == "json") if self.command == "POST" else []
            fault = service.receive(Received(kind, len(images), options, headers, len(body)))
            if service.token is not None and headers.get("authorization") != f"Bearer {service.token}":
                self._envelope(400, "InvalidKeyException", BAD_TOKEN)
            elif fault is Fault.SILENT:
                service.ended.wait()
                self.close_connection = True
            elif fault is Fault.DROPPED:
                self.close_connection = True
            elif fault is Fault.TOO_LARGE:
                self._answer(413, b"")
            elif fault is Fault.NOT_JSON:
                self._answer(200, b"<html>Log in to our hotel</html>", {"Content-Type": "text/html"})
            elif fault is Fault.TRICKLED:
                self._trickle()
            elif fault in ENVELOPES:
                self._envelope(*ENVELOPES[fault])
            else:
                self._answer_with(kind, images, options, fault)

        def _answer_with(self, kind: str, images: Any, options: Mapping[str, str], fault: Fault | None) -> None:
            if self.command == "GET":
                self._answer(200, json.dumps(service.describe()).encode())
                return
            try:
                answer = service.classify(images, options, fault, raw=kind != "json")
            except RefusedError as refusal:
                self._answer(refusal.status, json.dumps(refusal.body).encode())
                return
            if kind == "moderated":
                [result] = answer["results"]
                headers = {"X-Moderation-Action": result["action"], "X-Moderation-Label": result["label"]}
                self._answer(200, TINY_PNG, headers | {"Content-Type": "image/png"})
                return
            if kind == "explained":
                png = base64.b64encode(TINY_PNG).decode()
                answer["explanation"] = {"target": "porn", "grid": [[0.0, 1.0], [0.5, 0.25]], "png_b64": png}
            self._answer(200, json.dumps(answer).encode(), cut=fault is Fault.CUT)

        def _trickle(self) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            with suppress(ConnectionError):  # the client had enough
                while not service.ended.wait(TRICKLE_SECONDS):
                    self.wfile.write(b" ")

        def _envelope(self, status: int, kind: str, message: str) -> None:
            self._answer(status, json.dumps({"code": status, "type": kind, "message": message}).encode())

        def _answer(
            self, status: int, body: bytes, headers: Mapping[str, str] | None = None, cut: bool = False
        ) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            if status >= 400:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.close_connection = self.close_connection or cut

        def log_message(self, format: str, *args: object) -> None:
            """Keep the tests' output clean."""

    return Handler


class _GrpcService(inference_pb2_grpc.InferenceAPIsServiceServicer, management_pb2_grpc.ManagementAPIsServiceServicer):
    def __init__(self, service: FakeService) -> None:
        self._service = service

    def Predictions(  # noqa: N802 - gRPC's name
        self, request: inference_pb2.PredictionsRequest, context: grpc.ServicerContext
    ) -> inference_pb2.PredictionResponse:
        fields = dict(request.input)
        kind = "json" if "request" in fields else "raw"
        body = fields.pop("request" if kind == "json" else "data")
        options = {name: value.decode() for name, value in fields.items()}
        images = _images(body, kind == "json")
        fault = self._admit(Received(kind, len(images), options, _metadata(context), len(body)), context)
        if fault is Fault.NOT_JSON:
            return inference_pb2.PredictionResponse(prediction=b"<html>")
        try:
            answer = self._service.classify(images, options, fault, raw=kind == "raw")
        except RefusedError as refusal:
            answer = refusal.body
        return inference_pb2.PredictionResponse(prediction=json.dumps(answer).encode())

    def DescribeModel(  # noqa: N802 - gRPC's name
        self, request: management_pb2.DescribeModelRequest, context: grpc.ServicerContext
    ) -> management_pb2.ManagementResponse:
        kind = "describe" if request.customized else "status"
        self._admit(Received(kind, 0, {}, _metadata(context), 0), context)
        return management_pb2.ManagementResponse(msg=json.dumps(self._service.describe()))

    def _admit(self, received: Received, context: grpc.ServicerContext) -> Fault | None:
        fault = self._service.receive(received)
        token = self._service.token
        if token is not None and received.headers.get("authorization") != f"Bearer {token}":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, BAD_TOKEN)
        if fault is Fault.SILENT:
            self._service.ended.wait()
        if fault in STATUSES:
            context.abort(*STATUSES[fault])
        return fault


def _metadata(context: grpc.ServicerContext) -> dict[str, str]:
    return {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
