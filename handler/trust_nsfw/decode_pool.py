"""What is done to images by many threads at once: hashing, opening, drawing. What fails comes back as a value."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from trust_nsfw.errors import InternalError, ServiceError
from trust_nsfw.images import DecodedImage, decode
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import Failure, ImageInfo
from trust_nsfw.settings import Limits

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


class DecodePool:
    """As many threads as there are cores to decode on; hashing, Pillow and libjpeg let each other run."""

    def __init__(self, threads: int, spec: PreprocessingSpec, limits: Limits) -> None:
        """Start up to `threads` threads, 0 for one per usable core, as work comes."""
        self._spec = spec
        self._limits = limits
        self._size = threads or usable_cores()
        self._threads = ThreadPoolExecutor(self._size, thread_name_prefix="decode")

    def digest(self, payloads: Sequence[bytes]) -> list[str]:
        """Return each payload's sha256 in hexadecimal."""
        return self._each(lambda payload: hashlib.sha256(payload).hexdigest(), payloads)

    def open(self, payloads: Sequence[bytes]) -> list[DecodedImage | Failure]:
        """Open images by their headers."""
        at_least = self._spec.decoded_at_least
        return self._each(lambda payload: _attempt(decode, payload, self._limits, at_least), payloads)

    def draw(
        self, sha256: str, image: DecodedImage, into: NDArray[np.uint8], *, here: bool = False
    ) -> Future[tuple[ImageInfo, ...] | Failure]:
        """Begin to decode an image and to bring each of its views to the model's size.

        The views' model inputs go into the first rows of `into`, uint8 [image.most_views, H, W, 3]. With `here` it is
        done when this returns, in the caller's own thread: half a millisecond less than waiting for another.
        """
        if not here:
            return self._threads.submit(_attempt, self._draw, sha256, image, into)
        done: Future[tuple[ImageInfo, ...] | Failure] = Future()
        done.set_result(_attempt(self._draw, sha256, image, into))
        return done

    def _draw(self, sha256: str, image: DecodedImage, into: NDArray[np.uint8]) -> tuple[ImageInfo, ...]:
        views = []
        for index, view in enumerate(image.views):
            into[index] = to_model_input(view.rgb, self._spec, view.box)
            views.append(
                ImageInfo(sha256, image.format, image.width, image.height, image.frames, view.frame, view.background)
            )
        return tuple(views)

    def _each(self, step: Callable[[S], T], items: Sequence[S]) -> list[T]:
        """Do one short step to all items, a share of them in each thread: waking one for each would cost as much.

        A single item is done here.
        """
        if len(items) <= 1:
            return [step(item) for item in items]
        shares = [items[start :: self._size] for start in range(min(self._size, len(items)))]
        done: list[T | None] = [None] * len(items)
        for start, results in enumerate(self._threads.map(lambda share: [step(item) for item in share], shares)):
            done[start :: self._size] = results
        return cast("list[T]", done)


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _attempt(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Failure:
    try:
        return step(*args, **kwargs)
    except ServiceError as error:
        return Failure.of(error)
    except MemoryError:
        return Failure.of(InternalError("there is not enough memory for this image"))
