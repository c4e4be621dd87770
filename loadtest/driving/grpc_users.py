"""Users of the gRPC API, each over a connection of its own."""

from collections.abc import Collection
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from locust.exception import StopTest

from driving.session import NoAnswerError
from driving.users import TrafficUser
from traffic.call import Call, Kind, Reply
from traffic.calls import BATCHES
from traffic.torchserve_errors import names_exception
from trust_nsfw.client._stubs.inference_pb2 import PredictionsRequest
from trust_nsfw.client._stubs.inference_pb2_grpc import InferenceAPIsServiceStub

KINDS: Collection[Kind] = (Kind.SINGLE, Kind.BATCH_4, Kind.BATCH_16, Kind.HEALTH, Kind.BAD)
"""Moderated pictures and explanations are REST only."""
MAX_MESSAGE_BYTES = 32 * 1024 * 1024
SCHEME = "grpc://"
UNANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


class GrpcUser(TrafficUser):
    """Speaks TorchServe's own InferenceAPIsService; `--host` is HOST:PORT, or that behind grpc://."""

    abstract = True
    method = "gRPC"

    def __init__(self, environment: Any) -> None:
        """Open a channel. Raises StopTest for a host that is none of gRPC's."""
        super().__init__(environment)
        options = [
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.use_local_subchannel_pool", 1),  # or all users would share one connection
            ("grpc.enable_http_proxy", 0),
        ]
        self._channel = grpc.insecure_channel(target_of(self.host), options)
        self._stub = InferenceAPIsServiceStub(self._channel)  # type: ignore[no-untyped-call]
        model, _, version = self.session.options.model_name.partition("/")
        self._model = {"model_name": model, "model_version": version}
        policy = self.session.options.policy
        self._policy = {"policy": policy.encode()} if policy else {}

    def on_stop(self) -> None:
        """Close the channel once nothing is on its way."""
        if self.session.over:
            self._channel.close()

    def exchange(self, call: Call) -> Reply:
        """Send a request and return the whole answer; a refused call is one too. Raises NoAnswerError."""
        limit_seconds = self.session.options.answer_limit_seconds
        try:
            if call.kind is Kind.HEALTH:
                return Reply(200, "OK", self._stub.Ping(Empty(), timeout=limit_seconds).health.encode())
            fields = {"request" if call.kind in BATCHES else "data": call.body, **self._policy}
            request = PredictionsRequest(input=fields, **self._model)
            return Reply(200, "OK", self._stub.Predictions(request, timeout=limit_seconds).prediction)
        except grpc.RpcError as error:
            status, details = error.code(), error.details() or ""
            if status in UNANSWERED and not names_exception(details):
                raise NoAnswerError(f"{status.name}: {details}") from None
            return Reply(200, status.name, details.encode())


def target_of(host: str | None) -> str:
    """Return gRPC's address out of --host. Raises StopTest, which ends Locust with its message."""
    target = (host or "").removeprefix(SCHEME)
    if not target or "://" in target or "/" in target:
        raise StopTest(f"--host: {host!r} is not HOST:PORT of gRPC, such as 127.0.0.1:7070")
    return target
