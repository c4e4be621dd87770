"""The one file that knows TorchServe: its context and bytes in, its statuses, headers and bytes out."""

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from ts.metrics.dimension import Dimension
from ts.metrics.metric_type_enum import MetricTypes

from trust_nsfw.errors import InternalError, ServiceError, StartupError
from trust_nsfw.schema import Answer, Batch, Describe, Failure, Measured, Output, Request
from trust_nsfw.service import Service
from trust_nsfw.wire.parsing import caller_id, is_grpc, parse
from trust_nsfw.wire.rendering import Reply, render_failure

logger = logging.getLogger(__name__)

NATIVE_STDERR = 2

UNSCORED = Failure.of(InternalError("the request could not be answered; this is a fault of the service"))

Call = Request | Describe | Failure
"""What one request of a batch asks, or why it can't be read."""

P = ParamSpec("P")
T = TypeVar("T")


class NsfwHandler:
    """TorchServe's entry: `initialize` once per worker, then `handle` once per batch."""

    def initialize(self, context: Any) -> None:
        """Load the archive's model; a StartupError is logged as a refusal, with its reason, before the worker ends."""
        _silence_native_libraries()
        properties = context.system_properties
        try:
            self.service = Service.load(
                archive=Path(properties["model_dir"]),
                model_config=context.model_yaml_config or {},
                gpu_id=properties["gpu_id"],
                version=context.manifest["model"]["modelVersion"],
            )
        except StartupError as error:
            logger.critical("REFUSED TO SERVE: %s", error)
            raise

    def handle(self, data: Sequence[Mapping[str, Any]], context: Any) -> list[bytes]:
        """Answer a batch: one response per request, in order, whatever happens to its neighbours."""
        headers = [context.get_all_request_header(index) for index in range(len(data))]
        calls: list[Call] = [_attempt(parse, *request) for request in zip(data, headers, strict=True)]
        request_ids = [caller_id(*request) for request in zip(data, headers, strict=True)]
        answers, measurements = self._classify(calls)
        replies = self._replies(calls, answers, request_ids)
        for index, reply in enumerate(replies):
            _respond(context, index, reply, request_ids[index], is_grpc(headers[index]))
        _count(context, calls, answers)
        _measure(context, measurements)
        return [reply.body for reply in replies]

    def _classify(self, calls: Sequence[Call]) -> tuple[list[Answer | Failure], list[Measured]]:
        """Score all images of the batch together; returns one answer per call, the failure itself where it is one.

        Also what that took: one measurement, or several where the requests had to be scored each alone.
        """
        requests = [call for call in calls if isinstance(call, Request)]
        batches = [_attempt(self.service.pipeline.run, requests)]
        if isinstance(batches[0], Failure):  # one of them may have brought the others down: each alone
            batches = [_attempt(self.service.pipeline.run, [request]) for request in requests]
        answers = chain.from_iterable([batch] if isinstance(batch, Failure) else batch.answers for batch in batches)
        measurements = [batch.measured for batch in batches if isinstance(batch, Batch)]
        return [next(answers) if isinstance(call, Request) else UNSCORED for call in calls], measurements

    def _replies(
        self, calls: Sequence[Call], answers: Sequence[Answer | Failure], request_ids: Sequence[str | None]
    ) -> list[Reply]:
        """Write every response; explanations, which are slow, after everything else."""
        replies: dict[int, Reply] = {}
        for index in sorted(range(len(calls)), key=lambda index: _is_explanation(calls[index])):
            reply = _attempt(self.service.reply, calls[index], answers[index], request_ids[index])
            replies[index] = render_failure(reply, request_ids[index]) if isinstance(reply, Failure) else reply
        return [replies[index] for index in range(len(calls))]


def _attempt(step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | Failure:
    """Do one step; an error of ours comes back as its value, anything unforeseen as `internal`, logged."""
    try:
        return step(*args, **kwargs)
    except ServiceError as error:
        return Failure.of(error)
    except Exception:
        logger.exception("%s failed", getattr(step, "__qualname__", step))
        return UNSCORED


def _silence_native_libraries() -> None:
    """Send what C libraries print to nowhere: libtiff quotes bytes of images. Python's own stderr stays."""
    if sys.stderr.fileno() == NATIVE_STDERR:
        sys.stderr = os.fdopen(os.dup(NATIVE_STDERR), "w", buffering=1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, NATIVE_STDERR)
        os.close(nowhere)


def _is_explanation(call: Call) -> bool:
    return isinstance(call, Request) and call.output is Output.EXPLAINED


def _respond(context: Any, index: int, reply: Reply, request_id: str | None, grpc: bool) -> None:
    """Set one answer's status and headers; TorchServe overwrites X-Request-Id with its own id, hence another name."""
    context.set_response_status(reply.status, HTTPStatus(reply.status).phrase, index)
    context.set_response_content_type(index, reply.content_type)
    for name, value in reply.headers.items():
        context.set_response_header(index, name, value)
    if request_id is not None:
        context.set_response_header(index, "X-Client-Request-Id", request_id)
    if grpc:  # ends a StreamPredictions call, which would otherwise wait for more and take the worker down
        context.set_response_header(index, "ts_stream_next", "false")


def _count(context: Any, calls: Sequence[Call], answers: Sequence[Answer | Failure]) -> None:
    """Add what came in to the counters that deploy/metrics.yaml declares."""
    differences = [pair for answer in answers if isinstance(answer, Answer) for pair in answer.shadow_differences]
    context.metrics.add_counter("NsfwBatches", 1)
    context.metrics.add_counter("NsfwBatchSizes", 1, dimensions=[Dimension("Size", str(len(calls)))])
    context.metrics.add_counter("NsfwRequests", len(calls))
    context.metrics.add_counter("NsfwImages", sum(len(call.items) for call in calls if isinstance(call, Request)))
    for (action, other), count in Counter(differences).items():
        context.metrics.add_counter(
            "NsfwShadowDifferences", count, dimensions=[Dimension("Change", f"{action} to {other}")]
        )


def _measure(context: Any, measurements: Sequence[Measured]) -> None:
    """Add what the work took; a batch that needed no engine, all of it cached or failed, says nothing of seconds."""
    for measured in measurements:
        context.metrics.add_counter("NsfwModelInputs", measured.inputs)
        context.metrics.add_counter("NsfwCacheHits", measured.cache_hits)
        context.metrics.add_counter("NsfwCacheMisses", measured.cache_misses)
        context.metrics.add_counter("NsfwDuplicates", measured.duplicates)
        if measured.inputs:
            for name, seconds in (
                ("NsfwDecodeSeconds", measured.decode_seconds),
                ("NsfwInferenceSeconds", measured.inference_seconds),
            ):
                context.metrics.add_time(name, seconds, unit="s", metric_type=MetricTypes.HISTOGRAM)
