"""The one file that knows TorchServe: its context and bytes in, its statuses, headers and bytes out."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from trust_nsfw import wire
from trust_nsfw.errors import InternalError, ServiceError, StartupError
from trust_nsfw.schema import Answer, Describe, Failure, Request
from trust_nsfw.service import Service

logger = logging.getLogger(__name__)

UNSCORED = Failure.of(InternalError("the request could not be scored; this is a fault of the service"))


class NsfwHandler:
    """TorchServe's entry: `initialize` once per worker, then `handle` once per batch."""

    def initialize(self, context: Any) -> None:
        """Load the archive's model; a StartupError is logged as a refusal, with its reason, before the worker ends."""
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
        calls = [_parse(fields, head) for fields, head in zip(data, headers, strict=True)]
        answers = iter(self._classify([call for call in calls if isinstance(call, Request)]))
        replies = [self._render(call, next(answers) if isinstance(call, Request) else UNSCORED) for call in calls]
        for index, (reply, head) in enumerate(zip(replies, headers, strict=True)):
            _respond(context, index, reply, wire.request_id(head))
        _count(context, calls)
        return [reply.body for reply in replies]

    def _classify(self, requests: Sequence[Request]) -> Sequence[Answer | Failure]:
        try:
            return self.service.pipeline.classify(requests)
        except Exception:
            logger.exception("none of %d requests could be scored", len(requests))
            return [UNSCORED] * len(requests)

    def _render(self, call: Request | Describe | Failure, answer: Answer | Failure) -> wire.Reply:
        match call:
            case Request():
                return wire.render(answer, call, self.service.model)
            case Describe():
                return wire.render_description(self.service.describe())
            case Failure():
                return wire.render_failure(call)


def _parse(fields: Mapping[str, Any], headers: Mapping[str, Any]) -> Request | Describe | Failure:
    try:
        return wire.parse(fields, headers)
    except ServiceError as error:
        return Failure.of(error)


def _respond(context: Any, index: int, reply: wire.Reply, request_id: str | None) -> None:
    """Set one answer's status and headers; TorchServe overwrites X-Request-Id with its own id, hence another name."""
    context.set_response_status(reply.status, HTTPStatus(reply.status).phrase, index)
    context.set_response_content_type(index, reply.content_type)
    if request_id is not None:
        context.set_response_header(index, "X-Client-Request-Id", request_id)


def _count(context: Any, calls: Sequence[Request | Describe | Failure]) -> None:
    """Add to the counters that deploy/metrics.yaml declares; images over batches is the mean batch size."""
    context.metrics.add_counter("NsfwBatches", 1)
    context.metrics.add_counter("NsfwRequests", len(calls))
    context.metrics.add_counter("NsfwImages", sum(len(call.items) for call in calls if isinstance(call, Request)))
