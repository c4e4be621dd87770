"""A stand-in for the service behind a server: answers as docs/api.md says, from an image's bytes, without a model.

What an image is follows from how its bytes begin: `corrupt`, `text` and nothing at all are refused, an `animation`
makes ten model inputs, a `breaker` is an internal error of its whole request, anything else is a picture whose scores
follow from its sha256.
"""

import base64
import hashlib
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

LABELS = ("drawing", "hentai", "neutral", "porn", "sexy")
MODEL = {"name": "nsfw", "version": "1.0", "checkpoint": "none", "sha256": "0" * 64,
         "weights": "random", "engine": "fake", "precision": "fp32"}  # fmt: skip
POLICIES = ("default", "strict", "lenient")
MAX_IMAGES = 16
MAX_MODEL_INPUTS = 32
ANIMATION_INPUTS = 10
TINY_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


class Fault(Enum):
    """What goes wrong with the next request."""

    OVERLOADED = auto()
    WORKER_DIED = auto()
    DROPPED = auto()  # the connection ends before the answer begins
    CUT = auto()  # the connection ends in the middle of the answer
    SILENT = auto()  # no answer while the stand-in lives
    TRICKLED = auto()  # an answer of which a byte comes now and then
    CANCELLED = auto()
    TOO_LARGE = auto()
    NOT_FOUND = auto()
    NOT_JSON = auto()
    ONE_RESULT_SHORT = auto()
    RESULTS_SWAPPED = auto()
    OTHER_IMAGE = auto()
    NEW_CODE = auto()


@dataclass(frozen=True)
class Received:
    """One request as it arrived; `headers` in lower case, over gRPC the metadata."""

    kind: str  # raw, json, moderated, explained, describe, status
    images: int
    options: Mapping[str, str]
    headers: Mapping[str, str]
    body_bytes: int


class RefusedError(Exception):
    """An answer of ours that is an error."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"error": {"code": code, "message": f"because of {code}"}}


@dataclass
class FakeService:
    """What the stand-in servers share: what they were asked, and what is to go wrong."""

    token: str | None = None
    ready: bool = True
    faults: deque[Fault] = field(default_factory=deque)
    lasting_fault: Fault | None = None
    received: list[Received] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, request: Received) -> Fault | None:
        """Keep a request and return what is to go wrong with it."""
        with self.lock:
            self.received.append(request)
            return self.faults.popleft() if self.faults else self.lasting_fault

    def classify(
        self, images: Sequence[tuple[str | None, bytes]], options: Mapping[str, str], fault: Fault | None, *, raw: bool
    ) -> dict[str, Any]:
        """Return the contract's answer; raises RefusedError for a request, or a raw image, that is refused."""
        if fault is Fault.NEW_CODE:
            raise RefusedError(451, "new_code")
        if any(payload.startswith(b"breaker") for _, payload in images):
            raise RefusedError(500, "internal")
        inputs = sum(ANIMATION_INPUTS if payload.startswith(b"animation") else 1 for _, payload in images)
        if len(images) > MAX_IMAGES or inputs > MAX_MODEL_INPUTS:
            raise RefusedError(413, "too_many_images")
        if options.get("policy", "default") not in POLICIES:
            raise RefusedError(400, "unknown_policy")
        results = [self._result(index, name, payload, options) for index, (name, payload) in enumerate(images)]
        if raw and "error" in results[0]:
            raise RefusedError(results[0]["status"], results[0]["error"]["code"])
        if fault is Fault.ONE_RESULT_SHORT:
            results.pop()
        if fault is Fault.RESULTS_SWAPPED:
            results.reverse()
        if fault is Fault.OTHER_IMAGE:
            results[0]["image"]["sha256"] = "f" * 64
        answer = {"model": MODEL, "policy": {"name": options.get("policy", "default"), "version": "1"}}
        if "request_id" in options:
            answer["request_id"] = options["request_id"]
        return answer | {"results": results}

    def describe(self) -> list[dict[str, Any]]:
        """Return what TorchServe's management address says of the model."""
        status = "READY" if self.ready else "UNLOADING"
        return [{"modelName": "nsfw", "workers": [{"status": status}], "customizedMetadata": {"labels": LABELS}}]

    def _result(self, index: int, name: str | None, payload: bytes, options: Mapping[str, str]) -> dict[str, Any]:
        head = {"index": index, "id": name}
        for start, status, code in ((b"corrupt", 422, "corrupt_image"), (b"text", 415, "unsupported_format")):
            if payload.startswith(start):
                return head | {"action": "error", "status": status, "error": {"code": code, "message": code}}
        if not payload:
            error = {"code": "empty_image", "message": "no bytes"}
            return head | {"action": "error", "status": 400, "error": error}
        digest = hashlib.sha256(payload)
        label = LABELS[digest.digest()[0] % len(LABELS)]
        scores = dict.fromkeys(LABELS, 0.05) | {label: 0.8}
        return head | {
            "action": "allow" if label in ("drawing", "neutral") else "blur",
            "label": label,
            "scores": scores,
            "groups": {"explicit": scores["porn"] + scores["hentai"]},
            "reasons": [{"rule": "explicit", "score": label, "value": 0.8, "threshold": 0.5}],
            "image": {"sha256": digest.hexdigest(), "format": "PNG", "width": 1, "height": 1,
                      "frames": 1, "frame": 0, "background": None},
        } | ({"labels": [{"label": label, "score": 0.8}]} if "min_confidence" in options else {})  # fmt: skip
