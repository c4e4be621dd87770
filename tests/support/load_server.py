"""A server that answers the load test as the service would, over HTTP or gRPC, in a thread; faults are ordered by test.

A picture's scores follow from its width, so that they stay the same whatever its bytes.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import grpc
from PIL import Image, UnidentifiedImageError

from fake_service import MODEL, TINY_PNG
from measuring.answers import POLICIES
from trust_nsfw.client._stubs import inference_pb2, inference_pb2_grpc
from trust_nsfw.policy import decide
from trust_nsfw.policy_file import load_policies
from trust_nsfw.schema import LABELS, Scores

HEALTHY = b'{\n  "status": "Healthy"\n}\n'
NO_WORKER = 'Model "nsfw" has no worker to serve inference request. Please use scale workers API to add workers.'
GRPC_NO_WORKER = f"{NO_WORKER}\nInternalServerException.()"
WIDTHS_PX = range(16, 40, 4)


def write_pictures(folder: Path, bad: Sequence[tuple[bytes, str]] = ((b"no picture", "unsupported_format"),)) -> Path:
    """Write small JPEGs of different widths, and bad files with their codes, as a kept mix; returns the folder."""
    folder.mkdir()
    entries = []
    for width in WIDTHS_PX:
        Image.effect_noise((width, 24), 40).convert("RGB").save(folder / f"{width}.jpg")
        entries.append({"file": f"{width}.jpg", "key": str(width), "media_type": "image/jpeg", "error": None,
                        "width": width, "height": 24})  # fmt: skip
    for number, (payload, code) in enumerate(bad):
        (folder / f"bad{number}").write_bytes(payload)
        entries.append({"file": f"bad{number}", "key": f"bad{number}", "media_type": "image/jpeg", "error": code,
                        "width": 0, "height": 0})  # fmt: skip
    settings = {"seed": 0, "count": len(entries), "bad_share": len(bad) / len(entries)}
    (folder / "index.json").write_text(json.dumps({"settings": settings, "pictures": entries}))
    return folder


def scores_of(payload: bytes) -> dict[str, float] | None:
    """Return the scores of a picture, None for what is none."""
    try:
        with Image.open(BytesIO(payload)) as image:
            leading = 0.3 + image.width / 100
    except UnidentifiedImageError:
        return None
    rest = round((1 - leading) / 4, 6)
    return dict.fromkeys(LABELS, rest) | {"neutral": round(1 - 4 * rest, 6)}


Spoil = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@dataclass
class Answering:
    """What the server does; `spoil` changes a request's results before they leave."""

    spoil: Spoil = list
    before: Callable[[], None] = lambda: None
    refuses: bool = False
    policy: str = "default"
    received: list[float] = field(default_factory=list)

    def answer(self, images: Sequence[tuple[str | None, bytes]], policy: str | None) -> dict[str, Any]:
        """Return the contract's answer to some images."""
        self.received.append(time.time())
        self.before()
        chosen = load_policies(POLICIES)[policy or self.policy]
        results = [self._result(index, name, payload, chosen) for index, (name, payload) in enumerate(images)]
        decided = {"name": chosen.name, "version": chosen.version}
        return {"model": MODEL, "policy": decided, "results": self.spoil(results)}

    def _result(self, index: int, name: str | None, payload: bytes, policy: Any) -> dict[str, Any]:
        scores = scores_of(payload)
        if scores is None:
            error = {"code": "unsupported_format", "message": "no picture"}
            return {"index": index, "id": name, "action": "error", "error": error}
        decision = decide(Scores(**scores), policy)
        with Image.open(BytesIO(payload)) as opened:
            width, height = opened.size
        image = {"sha256": hashlib.sha256(payload).hexdigest(), "format": "JPEG", "width": width, "height": height}
        reasons = [asdict(reason) for reason in decision.reasons]
        head = {"index": index, "id": name, "action": decision.action, "label": "neutral"}
        return head | {"scores": scores, "groups": Scores(**scores).groups(), "reasons": reasons, "image": image}


def _items(body: bytes) -> list[tuple[str | None, bytes]]:
    return [(image["id"], base64.b64decode(image["b64"])) for image in json.loads(body)["images"]]


def _handler(answering: Answering) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._send(200, HEALTHY)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if answering.refuses:
                envelope = {"code": 503, "type": "ServiceUnavailableException", "message": NO_WORKER}
                self._send(503, json.dumps(envelope).encode())
                return
            is_json = self.headers["Content-Type"] == "application/json"
            answer = answering.answer(_items(body) if is_json else [(None, body)], self.headers["X-Policy"])
            only = answer["results"][0] if answer["results"] else {}
            if not is_json and "error" in only:
                self._send(415, json.dumps({"error": only["error"]}).encode())
            elif self.headers["Accept"] == "image/*":
                decided = {"X-Moderation-Action": only["action"], "X-Moderation-Label": only["label"]}
                self._send(200, body, {"Content-Type": self.headers["Content-Type"], **decided})
            else:
                if self.path.startswith("/explanations/"):
                    target = only["reasons"][0]["score"] if only["reasons"] else only["label"]
                    png = base64.b64encode(TINY_PNG).decode()
                    answer["explanation"] = {"target": target, "grid": [[0.0, 1.0], [0.5, 0.25]], "png_b64": png}
                self._send(200, json.dumps(answer).encode())

        def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            if status != 200:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the tests' output clean."""

    return Handler


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has gone."""


@contextmanager
def http_server(answering: Answering) -> Iterator[str]:
    """Serve over HTTP until the block ends; yields the URL."""
    with _Server(("127.0.0.1", 0), _handler(answering)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Servicer(inference_pb2_grpc.InferenceAPIsServiceServicer):
    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    def Ping(self, request: object, context: object) -> inference_pb2.TorchServeHealthResponse:  # noqa: N802
        return inference_pb2.TorchServeHealthResponse(health=HEALTHY.decode())

    def Predictions(  # noqa: N802
        self, request: inference_pb2.PredictionsRequest, context: grpc.ServicerContext
    ) -> inference_pb2.PredictionResponse:
        if self._answering.refuses:
            context.abort(grpc.StatusCode.INTERNAL, GRPC_NO_WORKER)
        fields = dict(request.input)
        policy = fields.pop("policy", b"").decode()
        [(key, body)] = fields.items()
        answer = self._answering.answer(_items(body) if key == "request" else [(None, body)], policy)
        if key == "data" and "error" in answer["results"][0]:
            answer = {"error": answer["results"][0]["error"]}
        return inference_pb2.PredictionResponse(prediction=json.dumps(answer).encode())


@contextmanager
def grpc_server(answering: Answering) -> Iterator[str]:
    """Serve over gRPC until the block ends; yields HOST:PORT."""
    server = grpc.server(ThreadPoolExecutor(16))
    inference_pb2_grpc.add_InferenceAPIsServiceServicer_to_server(_Servicer(answering), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
