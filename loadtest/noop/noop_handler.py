"""A TorchServe handler that infers nothing: every image gets the scores of answer.json, under its own id and sha256.

It imports nothing of this project and decodes no image, so that what it costs is TorchServe's, a hash and a look at the
size in the header. Images come raw, as JSON, or over gRPC under `data` or `request`; it takes all of them for good,
upright JPEGs.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ANSWER_FILE = "answer.json"
FRAME_HEADERS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of a JPEG's segments that say how large the picture is."""


class NoopHandler:
    """TorchServe's entry: `initialize` once per worker, then `handle` once per batch."""

    def initialize(self, context: Any) -> None:
        """Read the answer that packing.py has put into the archive: one of a single result."""
        answer = json.loads(Path(context.system_properties["model_dir"], ANSWER_FILE).read_text(encoding="utf-8"))
        [result] = answer.pop("results")
        self._result: dict[str, Any] = result
        self._answer: dict[str, Any] = answer

    def handle(self, data: Sequence[Mapping[str, Any]], context: Any) -> list[bytes]:
        """Answer every request of a batch, in order."""
        for index in range(len(data)):
            context.set_response_content_type(index, "application/json")
        return [self._reply(fields) for fields in data]

    def _reply(self, fields: Mapping[str, Any]) -> bytes:
        """Write one answer: JSON holds images under `images`, anything else is an image itself."""
        body = fields.get("body") or fields.get("data") or fields.get("request") or b""
        if "request" in fields:
            body = json.loads(body)
        images = body["images"] if isinstance(body, dict) else [body]
        results = [self._scored(index, image) for index, image in enumerate(images)]
        return json.dumps(self._answer | {"results": results}, separators=(",", ":")).encode()

    def _scored(self, index: int, image: Any) -> dict[str, Any]:
        """Return the fixed result for an item of JSON, or for an image's bytes."""
        is_item = isinstance(image, dict)
        payload = base64.b64decode(image["b64"]) if is_item else image
        width, height = size_px(payload)
        seen = {"sha256": hashlib.sha256(payload).hexdigest(), "width": width, "height": height}
        seen = self._result["image"] | seen
        return {**self._result, "index": index, "id": image.get("id") if is_item else None, "image": seen}


def size_px(jpeg: bytes) -> tuple[int, int]:
    """Return a JPEG's width and height as stored; 1 x 1 for what is none."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        if jpeg[at + 1] in FRAME_HEADERS:
            height, width = struct.unpack_from(">HH", jpeg, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", jpeg, at + 2)[0]
    return 1, 1
