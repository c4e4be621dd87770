"""Many requests' images -> one result each, in order: admit, open, draw, score, answer."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from trust_nsfw.engines import Engine
from trust_nsfw.errors import InternalError, ServiceError, TooManyImages, UnknownPolicy
from trust_nsfw.images import DecodedImage, decode
from trust_nsfw.policy import Policy, decide
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import Action, Answer, Failure, ImageInfo, Request, Result, Scores, Verdict
from trust_nsfw.settings import Settings

Stage = TypeVar("Stage")
Next = TypeVar("Next")

Rows = Sequence[NDArray[np.float32]]
"""Probabilities of one image's views: float32 [5] each."""


@dataclass(frozen=True, slots=True)
class Opened:
    """One image whose header was read; its views are drawn later."""

    sha256: str
    image: DecodedImage


@dataclass(frozen=True, slots=True)
class Prepared:
    """One image ready for the engine: its views and their uint8 [H, W, 3] model inputs, in the same order."""

    views: tuple[ImageInfo, ...]
    inputs: tuple[NDArray[np.uint8], ...]


@dataclass(frozen=True, slots=True)
class Job(Generic[Stage]):
    """An admitted request: the policy that will decide, and its images in order, all at one stage or failed."""

    policy: Policy
    images: tuple[Stage | Failure, ...]


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

        A failing image stays in its own slot; a request refused as a whole (unknown policy, over a limit) is a Failure,
        and is refused as early as it can be told.
        """
        admitted = [self._admit(request) for request in requests]
        opened = self._bounded(self._in_pool(self._open, admitted), self._least_inputs)
        prepared = self._bounded(self._in_pool(self._draw, opened), lambda image: len(image.inputs))
        rows = self._score([image for job in prepared if isinstance(job, Job) for image in job.images])
        return [
            job if isinstance(job, Failure) else self._answer(job, list(islice(rows, len(job.images))))
            for job in prepared
        ]

    def _admit(self, request: Request) -> Job[bytes] | Failure:
        """Find the policy that will decide; a request may be refused here, before any image is opened."""
        try:
            most = self.settings.limits.max_images
            if len(request.items) > most:
                raise TooManyImages(f"{len(request.items)} images in one request; the limit is {most}")
            policy = self._policy_named(self.settings.policy if request.policy is None else request.policy)
        except ServiceError as error:
            return Failure.of(error)
        return Job(policy, tuple(item.payload for item in request.items))

    def _in_pool(
        self, step: Callable[[Stage], Next], jobs: Sequence[Job[Stage] | Failure]
    ) -> list[Job[Next] | Failure]:
        """Do one step to all images of all jobs, in the pool; what failed before stays as it is."""

        def attempt(image: Stage | Failure) -> Next | Failure:
            try:
                return image if isinstance(image, Failure) else step(image)
            except ServiceError as error:
                return Failure.of(error)
            except MemoryError:
                return Failure.of(InternalError("there is not enough memory for this image"))

        images = [image for job in jobs if isinstance(job, Job) for image in job.images]
        done = iter(list(self._pool.map(attempt, images)))
        return [
            job if isinstance(job, Failure) else Job(job.policy, tuple(islice(done, len(job.images)))) for job in jobs
        ]

    def _bounded(
        self, jobs: Sequence[Job[Stage] | Failure], inputs_of: Callable[[Stage], int]
    ) -> list[Job[Stage] | Failure]:
        """Refuse the jobs that are over the limit of model inputs."""
        most = self.settings.limits.max_model_inputs
        bounded: list[Job[Stage] | Failure] = []
        for job in jobs:
            images = job.images if isinstance(job, Job) else ()
            inputs = sum(inputs_of(image) for image in images if not isinstance(image, Failure))
            message = f"{inputs} model inputs (images x frames x backgrounds); the limit is {most}"
            bounded.append(Failure.of(TooManyImages(message)) if inputs > most else job)
        return bounded

    def _policy_named(self, name: str) -> Policy:
        if name not in self.policies:
            raise UnknownPolicy(f"no policy is named {name[:64]!r}; known are {', '.join(self.policies)}")
        return self.policies[name]

    def _open(self, payload: bytes) -> Opened:
        return Opened(hashlib.sha256(payload).hexdigest(), decode(payload, self.settings.limits))

    def _least_inputs(self, opened: Opened) -> int:
        """Return how many model inputs an image will give if nothing in it is transparent."""
        return min(opened.image.frames, self.settings.limits.max_frames)

    def _draw(self, opened: Opened) -> Prepared:
        """Decode an image and bring each of its views to the model's size."""
        image = opened.image
        drawn = [(view.frame, view.background, to_model_input(view.rgb, self._spec)) for view in image.views]
        views = (
            ImageInfo(opened.sha256, image.format, image.width, image.height, image.frames, frame, background)
            for frame, background, _ in drawn
        )
        return Prepared(tuple(views), tuple(array for _, _, array in drawn))

    def _score(self, images: Sequence[Prepared | Failure]) -> Iterator[Rows]:
        """Run all views of all images through the engine together; yield each image's rows, none for a failure."""
        inputs = [array for image in images if isinstance(image, Prepared) for array in image.inputs]
        rows = chain.from_iterable(
            self.engine.probabilities(np.stack(inputs[start : start + self.engine.max_batch]))
            for start in range(0, len(inputs), self.engine.max_batch)
        )
        for image in images:
            yield [] if isinstance(image, Failure) else list(islice(rows, len(image.inputs)))

    def _answer(self, job: Job[Prepared], rows: Sequence[Rows]) -> Answer:
        results = _decide_all(job.images, rows, job.policy)
        shadow = self.policies.get(self.settings.shadow_policy)
        differences = () if shadow is None else _differences(results, _decide_all(job.images, rows, shadow))
        return Answer(job.policy.name, job.policy.version, results, differences)


def _decide_all(images: Sequence[Prepared | Failure], rows: Sequence[Rows], policy: Policy) -> tuple[Result, ...]:
    return tuple(
        image if isinstance(image, Failure) else most_severe(image.views, scored, policy)
        for image, scored in zip(images, rows, strict=True)
    )


def _differences(results: Sequence[Result], others: Sequence[Result]) -> tuple[tuple[Action, Action], ...]:
    """Return the two actions of every image on which they differ; failures are the same under any policy."""
    pairs = (
        (result.decision.action, other.decision.action)
        for result, other in zip(results, others, strict=True)
        if isinstance(result, Verdict) and isinstance(other, Verdict)
    )
    return tuple((action, other) for action, other in pairs if action is not other)


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
