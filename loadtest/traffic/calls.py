"""Draws the next request of a kind: which pictures, in which bytes, and what must come back for each."""

import base64
import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from traffic.call import Call, ExpectedImage, Kind, Picture
from trust_nsfw.settings import Limits

MAX_INPUTS = Limits().max_model_inputs
MAX_BODY_BYTES = 32 * 1024 * 1024 - 64 * 1024
"""Of a JSON body: TorchServe takes 32 MiB a request (config.properties), over gRPC with the message around it."""
BATCHES = {Kind.BATCH_4: 4, Kind.BATCH_16: 16}
JSON, ANY_BYTES = "application/json", "application/octet-stream"
HEALTH = Call(Kind.HEALTH, b"", "", ())


class Mix(Protocol):
    """The pictures to send: good ones, bad ones, and both in the proportion in which traffic has them."""

    @property
    def good(self) -> Sequence[Picture]:
        """Those that are scored."""

    @property
    def bad(self) -> Sequence[Picture]:
        """Those that must be refused."""

    @property
    def pictures(self) -> Sequence[Picture]:
        """What batches draw from."""


class Fresh(Protocol):
    """Gives a picture bytes that no cache has seen."""

    def payload_of(self, picture: Picture) -> bytes:
        """Return other bytes of the same pixels; a bad file's own."""


@dataclass(frozen=True, slots=True)
class _Sent:
    payload: bytes
    sha256: str


class Calls:
    """Draws requests; equal seeds of `random` draw equal pictures. For one thread, or any number of greenlets.

    `duplicates` is the share of images whose bytes were sent before. A batch draws good and bad files as the mix has
    them, and leaves out files so large, or of so many frames, that a whole batch of them would be over MAX_BODY_BYTES
    or MAX_INPUTS.
    """

    def __init__(self, mix: Mix, fresh: Fresh, random: Random, duplicates: float = 0.0) -> None:
        """Raises ValueError for a mix without a good picture."""
        if not mix.good:
            raise ValueError("there is no good picture to send")
        self._mix, self._fresh, self._random, self._duplicates = mix, fresh, random, duplicates
        self._batchable = {kind: _at_most(mix.pictures, size) for kind, size in BATCHES.items()}
        self._sent: dict[int, _Sent] = {}
        self._ids = itertools.count()

    def can_draw(self, kind: Kind) -> bool:
        """Whether the mix has pictures for a kind."""
        if kind is Kind.BAD:
            return bool(self._mix.bad)
        return bool(self._batchable[kind]) if kind in BATCHES else True

    def draw(self, kind: Kind) -> Call:
        """Return the next request of a kind that can_draw allows."""
        if kind is Kind.HEALTH:
            return HEALTH
        if kind in BATCHES:
            return self._batch(kind, BATCHES[kind])
        picture = self._random.choice(self._mix.bad if kind is Kind.BAD else self._mix.good)
        sent = self._bytes_of(picture)
        expected = _expected(None, picture, sent)
        return Call(kind, sent.payload, picture.media_type or ANY_BYTES, (expected,))

    def _batch(self, kind: Kind, size: int) -> Call:
        expected, items = [], []
        for picture in self._random.choices(self._batchable[kind], k=size):
            sent, name = self._bytes_of(picture), f"image-{next(self._ids)}"
            expected.append(_expected(name, picture, sent))
            # Written by hand: json.dumps would look at every character of the base64.
            items.append(b'{"id":"%b","b64":"%b"}' % (name.encode(), base64.b64encode(sent.payload)))
        return Call(kind, b'{"images":[%b]}' % b",".join(items), JSON, tuple(expected))

    def _bytes_of(self, picture: Picture) -> _Sent:
        sent = self._sent.get(id(picture))
        if sent is None or self._random.random() >= self._duplicates:
            payload = self._fresh.payload_of(picture)
            sent = self._sent[id(picture)] = _Sent(payload, hashlib.sha256(payload).hexdigest())
        return sent


def _expected(name: str | None, picture: Picture, sent: _Sent) -> ExpectedImage:
    return ExpectedImage(name, sent.sha256, picture.key, picture.error, picture.size_px, picture.media_type)


def _at_most(pictures: Sequence[Picture], size: int) -> Sequence[Picture]:
    """Return the pictures that fit into a batch of a size whatever its others are."""
    most_bytes = MAX_BODY_BYTES // size * 3 // 4 - 128  # base64's share, and what stands around an item
    most_inputs = MAX_INPUTS // size
    return [one for one in pictures if len(one.payload) <= most_bytes and one.inputs <= most_inputs]
