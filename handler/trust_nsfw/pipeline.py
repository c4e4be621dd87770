"""Many requests' images -> one result each, in order: admit, prepare, score, answer."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from trust_nsfw import images
from trust_nsfw.engines import Engine
from trust_nsfw.errors import ServiceError, TooManyImages, UnknownPolicy
from trust_nsfw.policy import Policy, decide
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import Answer, Failure, ImageInfo, Item, Request, Result, Scores, Verdict
from trust_nsfw.settings import Settings

Rows = Sequence[NDArray[np.float32]]
"""Probabilities of one image's views: float32 [5] each."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One image ready for the engine: its views and their uint8 [H, W, 3] model inputs, in the same order."""

    views: tuple[ImageInfo, ...]
    inputs: tuple[NDArray[np.uint8], ...]


class Pipeline:
    """The transport-free core; one per worker, called from one thread."""

    def __init__(
        self, engine: Engine, spec: PreprocessingSpec, policies: Mapping[str, Policy], settings: Settings
    ) -> None:
        """Take a loaded engine and the policies by name, the default one of the settings among them."""
        self.engine = engine
        self.policies = policies
        self.settings = settings
        self._spec = spec
        self._pool = ThreadPoolExecutor(settings.decode_threads or usable_cores(), thread_name_prefix="decode")

    def classify(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        """Return one answer per request, one result per image, in order.

        A failing image stays in its own slot; a request refused as a whole (unknown policy, over a limit) is a Failure.
        """
        policies = [self._admit(request) for request in requests]
        admitted = [request for request, policy in zip(requests, policies, strict=True) if isinstance(policy, Policy)]
        prepared = list(self._pool.map(self._prepare, chain.from_iterable(request.items for request in admitted)))
        scored = iter(zip(prepared, self._score(prepared), strict=True))
        return [
            policy if isinstance(policy, Failure) else self._answer(policy, list(islice(scored, len(request.items))))
            for request, policy in zip(requests, policies, strict=True)
        ]

    def _admit(self, request: Request) -> Policy | Failure:
        """Return the policy that will decide, or why the request is refused before any image is opened."""
        try:
            most = self.settings.limits.max_images
            if len(request.items) > most:
                raise TooManyImages(f"{len(request.items)} images in one request; the limit is {most}")
            return self._policy_named(self.settings.policy if request.policy is None else request.policy)
        except ServiceError as error:
            return Failure.of(error)

    def _policy_named(self, name: str) -> Policy:
        if name not in self.policies:
            raise UnknownPolicy(f"no policy is named {name[:64]!r}; known are {', '.join(self.policies)}")
        return self.policies[name]

    def _prepare(self, item: Item) -> Prepared | Failure:
        """Decode one image and bring each of its views to the model's size; runs in the pool."""
        if isinstance(item.payload, Failure):
            return item.payload
        try:
            image = images.decode(item.payload, self.settings.limits)
            drawn = [(view.frame, view.background, to_model_input(view.rgb, self._spec)) for view in image.views]
        except ServiceError as error:
            return Failure.of(error)
        sha256 = hashlib.sha256(item.payload).hexdigest()
        views = (
            ImageInfo(sha256, image.format, image.width, image.height, image.frames, frame, background)
            for frame, background, _ in drawn
        )
        return Prepared(tuple(views), tuple(array for _, _, array in drawn))

    def _score(self, prepared: Sequence[Prepared | Failure]) -> Iterator[Rows]:
        """Run all views of all images through the engine together; yield each image's rows, none for a failure."""
        inputs = [array for image in prepared if isinstance(image, Prepared) for array in image.inputs]
        rows = chain.from_iterable(
            self.engine.probabilities(np.stack(inputs[start : start + self.engine.max_batch]))
            for start in range(0, len(inputs), self.engine.max_batch)
        )
        for image in prepared:
            yield [] if isinstance(image, Failure) else list(islice(rows, len(image.inputs)))

    def _answer(self, policy: Policy, scored: Sequence[tuple[Prepared | Failure, Rows]]) -> Answer | Failure:
        inputs, most = sum(len(rows) for _, rows in scored), self.settings.limits.max_model_inputs
        if inputs > most:
            return Failure.of(
                TooManyImages(f"{inputs} model inputs (images x frames x backgrounds); the limit is {most}")
            )
        results = (
            image if isinstance(image, Failure) else most_severe(image.views, rows, policy) for image, rows in scored
        )
        return Answer(policy.name, policy.version, tuple(results))


def most_severe(views: Sequence[ImageInfo], rows: Rows, policy: Policy) -> Result:
    """Decide on every view; the most severe action wins, of equals the more explicit, the more nsfw, the first."""
    try:
        scores = [Scores.from_probabilities(row.tolist()) for row in rows]
    except ServiceError as error:
        return Failure.of(error)
    verdicts = [Verdict(score, decide(score, policy), view) for score, view in zip(scores, views, strict=True)]
    return max(verdicts, key=_severity)


def usable_cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _severity(verdict: Verdict) -> tuple[int, float, float]:
    groups = verdict.scores.groups()
    return verdict.decision.action.severity, groups["explicit"], groups["nsfw"]
