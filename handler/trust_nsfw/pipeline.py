"""Many requests' images -> one result each, in order: admit, hash, score together, decide."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trust_nsfw.decode_pool import DecodePool
from trust_nsfw.engines import Engine
from trust_nsfw.errors import ServiceError, TooManyImages, UnknownPolicy
from trust_nsfw.policy import Policy
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import Answer, Batch, Failure, Measured, Request
from trust_nsfw.score_cache import ScoreCache
from trust_nsfw.scoring import Scoring, Tools, Views
from trust_nsfw.settings import Settings
from trust_nsfw.verdicts import decide_all, differences


@dataclass(frozen=True, slots=True)
class Job:
    """An admitted request: the policy that will decide, and its images by sha256, in order, failures among them."""

    policy: Policy
    images: tuple[str | Failure, ...]

    @property
    def sha256s(self) -> list[str]:
        """The images that had bytes, each as often as it was sent."""
        return [image for image in self.images if isinstance(image, str)]


class Pipeline:
    """The transport-free core; one per worker, called from one thread."""

    def __init__(
        self,
        engine: Engine,
        spec: PreprocessingSpec,
        policies: Mapping[str, Policy],
        settings: Settings,
        *,
        cache: ScoreCache | None = None,
        model_id: str = "",
    ) -> None:
        """Take a loaded engine and the policies by name, the default one of the settings among them.

        Without a cache everything is computed. Its entries belong to this engine and precision, and to the model that
        `model_id` names by its digests.
        """
        self.engine = engine
        self.policies = policies
        self.settings = settings
        self._spec = spec
        self._tools = Tools(
            engine=engine,
            engine_id=f"{engine.name} {engine.precision} {model_id}",
            spec=spec,
            pool=DecodePool(settings.decode_threads, spec, settings.limits),
            cache=ScoreCache(0) if cache is None else cache,
        )

    def with_cache(self, cache: ScoreCache, model_id: str) -> "Pipeline":
        """Return a pipeline like this one that remembers what it has scored."""
        return Pipeline(self.engine, self._spec, self.policies, self.settings, cache=cache, model_id=model_id)

    def classify(self, requests: Sequence[Request]) -> list[Answer | Failure]:
        """Return the answers of `run`."""
        return list(self.run(requests).answers)

    def run(self, requests: Sequence[Request]) -> Batch:
        """Return one answer per request, one result per image, in order; and what that took.

        A failing image stays in its own slot; a request refused as a whole (unknown policy, over a limit) is a Failure,
        and is refused as early as it can be told. Equal images are computed once, and not at all when cached.
        """
        started = time.perf_counter()
        jobs, payloads = self._digested([self._admitted(request) for request in requests])
        sent = Counter(sha256 for job in jobs if isinstance(job, Job) for sha256 in job.sha256s)
        scoring = Scoring(self._tools, payloads)
        jobs = [self._within_limit(job, scoring.least_inputs) for job in jobs]
        scoring.draw(dict.fromkeys(sha256 for job in jobs if isinstance(job, Job) for sha256 in job.sha256s))
        jobs = self._taken(jobs, scoring)
        decode_seconds = time.perf_counter() - started - scoring.inference_seconds
        images = scoring.finish()
        hits = sum(sent[sha256] for sha256 in scoring.cached)
        measured = Measured(
            inputs=scoring.computed_inputs,
            decode_seconds=decode_seconds,
            inference_seconds=scoring.inference_seconds,
            cache_hits=hits,
            cache_misses=len(payloads) - len(scoring.cached) if self._tools.cache.on else 0,
            duplicates=sent.total() - hits - (len(payloads) - len(scoring.cached)),
        )
        return Batch(tuple(self._answer(job, images) for job in jobs), measured)

    def _admitted(self, request: Request) -> tuple[Policy, Request] | Failure:
        """Find the policy that will decide; a request may be refused here, before any image is looked at."""
        try:
            most = self.settings.limits.max_images
            if len(request.items) > most:
                raise TooManyImages(f"{len(request.items)} images in one request; the limit is {most}")
            return self._policy_named(self.settings.policy if request.policy is None else request.policy), request
        except ServiceError as error:
            return Failure.of(error)

    def _policy_named(self, name: str) -> Policy:
        if name not in self.policies:
            raise UnknownPolicy(f"no policy is named {name[:64]!r}; known are {', '.join(self.policies)}")
        return self.policies[name]

    def _digested(
        self, admitted: Sequence[tuple[Policy, Request] | Failure]
    ) -> tuple[list[Job | Failure], dict[str, bytes]]:
        """Return the jobs, and the distinct images by sha256 in the order of their first appearance."""
        requests = [entry for entry in admitted if not isinstance(entry, Failure)]
        sent = [item.payload for _, request in requests for item in request.items if isinstance(item.payload, bytes)]
        sha256s = self._tools.pool.digest(sent)
        payloads = dict(zip(sha256s, sent, strict=True))
        remaining = iter(sha256s)
        jobs: list[Job | Failure] = []
        for entry in admitted:
            if isinstance(entry, Failure):
                jobs.append(entry)
                continue
            policy, request = entry
            images = (item.payload if isinstance(item.payload, Failure) else next(remaining) for item in request.items)
            jobs.append(Job(policy, tuple(images)))
        return jobs, payloads

    def _within_limit(self, job: Job | Failure, inputs_of: Callable[[str], int]) -> Job | Failure:
        """Refuse a job that is over the limit of model inputs, cached or not."""
        if isinstance(job, Failure):
            return job
        inputs, most = sum(map(inputs_of, job.sha256s)), self.settings.limits.max_model_inputs
        message = f"{inputs} model inputs (images x frames x backgrounds); the limit is {most}"
        return Failure.of(TooManyImages(message)) if inputs > most else job

    def _taken(self, jobs: Sequence[Job | Failure], scoring: Scoring) -> list[Job | Failure]:
        """Have the engine compute what is drawn, job by job, of those that are within the limit after all.

        An image of a refused job is computed where a later job wants it too.
        """
        wanted = Counter(sha256 for job in jobs if isinstance(job, Job) for sha256 in set(job.sha256s))
        bounded: list[Job | Failure] = []
        for job in jobs:
            bounded.append(within := self._within_limit(job, scoring.inputs))
            sha256s = list(dict.fromkeys(job.sha256s)) if isinstance(job, Job) else []
            if isinstance(within, Failure):
                wanted.subtract(sha256s)
            for sha256 in sha256s:
                if wanted[sha256]:
                    scoring.take(sha256)
        return bounded

    def _answer(self, job: Job | Failure, images: Mapping[str, Views | Failure]) -> Answer | Failure:
        if isinstance(job, Failure):
            return job
        views = [image if isinstance(image, Failure) else images[image] for image in job.images]
        results = decide_all(views, job.policy)
        shadow = self.policies.get(self.settings.shadow_policy)
        changes = () if shadow is None else differences(results, decide_all(views, shadow))
        return Answer(job.policy.name, job.policy.version, results, changes)
