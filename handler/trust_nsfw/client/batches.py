"""Many images -> as few JSON requests as the limits allow.

JSON rather than multipart, although base64 makes it a third longer: it is what gRPC takes too, ids may be anything and
may repeat, and nothing depends on how a server's form parser treats names. Scoring an image takes the server a hundred
times longer than its base64. An image that JSON has no room for travels alone, raw.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from trust_nsfw.client.errors import InvalidRequest

MAX_ID_CHARACTERS = 128


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request may hold; the defaults are the service's."""

    max_images: int = 16
    max_body_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Entry:
    """One image on its way: its place among all images, the caller's id (see check_id), its encoded bytes."""

    position: int
    id: str | None
    payload: bytes

    @property
    def json_bytes(self) -> int:
        """How much room it takes in a JSON body, in bytes: base64 makes four of three."""
        return len(self._head()) + (len(self.payload) + 2) // 3 * 4 + len(b'"}')

    def json(self) -> bytes:
        """Return it as the contract's JSON object."""
        return b"".join((self._head(), base64.b64encode(self.payload), b'"}'))

    def _head(self) -> bytes:
        return f'{{"id":{json.dumps(self.id)},"b64":"'.encode()


def check_id(name: object) -> None:
    """Raise InvalidRequest for an id that the contract has no room for; None is an image without one."""
    if name is not None and not (isinstance(name, str) and len(name) <= MAX_ID_CHARACTERS):
        raise InvalidRequest(f"an id is a string of at most {MAX_ID_CHARACTERS} characters, not {name!r:.64}")


def fits_json(entries: Sequence[Entry], limits: RequestLimits) -> bool:
    """Say whether one JSON request may hold these images."""
    total_bytes = len(body_of([])) + sum(entry.json_bytes + 1 for entry in entries)
    return len(entries) <= limits.max_images and total_bytes <= limits.max_body_bytes


def body_of(entries: Sequence[Entry]) -> bytes:
    """Return the JSON body of a request with these images."""
    return b'{"images":[%b]}' % b",".join(entry.json() for entry in entries)


def group(entries: Iterable[Entry], limits: RequestLimits) -> Iterator[list[Entry]]:
    """Yield the images request by request, in order; one that JSON has no room for is alone in its request."""
    batch: list[Entry] = []
    for entry in entries:
        if batch and not fits_json([*batch, entry], limits):
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch
