"""The gRPC client."""

from pathlib import Path

import grpc

from trust_nsfw import __version__
from trust_nsfw.client._stubs.inference_pb2 import PredictionResponse, PredictionsRequest
from trust_nsfw.client._stubs.inference_pb2_grpc import InferenceAPIsServiceStub
from trust_nsfw.client._stubs.management_pb2 import DescribeModelRequest, ManagementResponse
from trust_nsfw.client._stubs.management_pb2_grpc import ManagementAPIsServiceStub
from trust_nsfw.client.backoff import Backoff
from trust_nsfw.client.batches import RequestLimits
from trust_nsfw.client.calls import Call, Kind, Reply
from trust_nsfw.client.conversation import Conversations, OnUnavailable, Send
from trust_nsfw.client.errors import (
    BackendFailed,
    DeadlineExceeded,
    ModerationError,
    NotFound,
    NotSupported,
    Overloaded,
    RequestTooLarge,
    Unauthorized,
    Unreachable,
)
from trust_nsfw.client.http_requests import DEFAULT_MODEL, is_loopback
from trust_nsfw.client.no_worker import says_no_worker
from trust_nsfw.client.synchronous import SynchronousClient
from trust_nsfw.client.tokens import Tokens

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
CANCELLED_FOR_SIZE_BYTES = 1024 * 1024
"""TorchServe's gRPC cancels a message over max_request_size: below so many bytes no server's limit is the reason."""
ENVELOPE_BYTES = 4096
"""Room for what a message holds beside its body: names, options, lengths."""
BY_STATUS: dict[grpc.StatusCode, type[ModerationError]] = {
    grpc.StatusCode.UNAVAILABLE: Unreachable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.RESOURCE_EXHAUSTED: RequestTooLarge,
    grpc.StatusCode.CANCELLED: Unreachable,
    grpc.StatusCode.PERMISSION_DENIED: Unauthorized,
    grpc.StatusCode.UNAUTHENTICATED: Unauthorized,
    grpc.StatusCode.NOT_FOUND: NotFound,
}


class GrpcModerationClient(SynchronousClient):
    """Asks a service over gRPC. Threads may share it. Moderated images and explanations are NotSupported there."""

    def __init__(
        self,
        target: str = "127.0.0.1:7070",
        *,
        management_target: str | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        model: str = DEFAULT_MODEL,
        version: str | None = None,
        token: str | None = None,
        management_token: str | None = None,
        key_file: Path | str | None = None,
        deadline_seconds: float = 60.0,
        backoff: Backoff | None = None,
        limits: RequestLimits | None = None,
        on_unavailable: OnUnavailable = "raise",
    ) -> None:
        """Connect to nothing yet; `credentials` make it TLS. Raises ValueError for an option that makes no sense."""
        self._model = model
        self._version = version
        self._tokens = Tokens(token, key_file, management_token)
        limits = limits or RequestLimits(max_body_bytes=MAX_MESSAGE_BYTES - ENVELOPE_BYTES)
        super().__init__(Conversations(self._tokens, deadline_seconds, backoff or Backoff(), limits, on_unavailable))
        self._channels = [_channel(target, credentials, limits)]
        self._inference = InferenceAPIsServiceStub(self._channels[0])  # type: ignore[no-untyped-call]
        self._management = None
        if management_target is not None:
            self._channels.append(_channel(management_target, credentials, limits))
            self._management = ManagementAPIsServiceStub(self._channels[1])  # type: ignore[no-untyped-call]

    def _disconnect(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            channel.close()

    def _send(self, step: Send) -> Reply:
        call, left_seconds = step.call, step.deadline.left_seconds()
        bearer = self._tokens.bearer(call)
        metadata = () if bearer is None else (("authorization", bearer),)
        try:
            if call.is_about_model:
                return self._describe(call, left_seconds, metadata)
            request = self._request(call)
            answer: PredictionResponse = self._inference.Predictions(request, timeout=left_seconds, metadata=metadata)
            return Reply(answer.prediction)
        except grpc.RpcError as error:
            raise _error_of(error, len(call.body)) from error

    def _describe(self, call: Call, left_seconds: float, metadata: tuple[tuple[str, str], ...]) -> Reply:
        if self._management is None:
            raise ValueError("the management address describes the model: give the client a management_target")
        request = DescribeModelRequest(
            model_name=self._model, model_version=self._version or "", customized=call.kind is Kind.DESCRIBE
        )
        answer: ManagementResponse = self._management.DescribeModel(request, timeout=left_seconds, metadata=metadata)
        return Reply(answer.msg.encode())

    def _request(self, call: Call) -> PredictionsRequest:
        if call.kind in (Kind.MODERATE, Kind.EXPLAIN):
            raise NotSupported(f"gRPC does not carry {call.kind}: use the REST client")
        key = "request" if call.kind is Kind.CLASSIFY_MANY else "data"
        fields = {name: value.encode() for name, value in call.options.named().items()} | {key: call.body}
        return PredictionsRequest(model_name=self._model, model_version=self._version or "", input=fields)


def _channel(target: str, credentials: grpc.ChannelCredentials | None, limits: RequestLimits) -> grpc.Channel:
    host = target.rpartition(":")[0]
    options = [
        ("grpc.max_send_message_length", limits.max_body_bytes + ENVELOPE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.primary_user_agent", f"trust-nsfw/{__version__}"),
        ("grpc.enable_http_proxy", 0 if is_loopback(host) else 1),
        # A channel that found nobody refuses calls until it tries again; how long, is for our own back-off to say.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
    ]
    if credentials is None:
        return grpc.insecure_channel(target, options)
    return grpc.secure_channel(target, credentials, options)


def _error_of(error: grpc.RpcError, sent_bytes: int) -> ModerationError:
    """Return what a failed call means; TorchServe says INTERNAL for most of it and tells more in the details."""
    status, details = error.code(), error.details() or ""
    said = f"the server answered {status.name}: {' '.join(details.split())[:300] or 'nothing'}"
    if status is grpc.StatusCode.INTERNAL and says_no_worker(details):
        return Overloaded(said)
    if status is grpc.StatusCode.INTERNAL and details.rstrip().endswith("NotFoundException"):
        return NotFound(said)
    if status is grpc.StatusCode.CANCELLED and sent_bytes >= CANCELLED_FOR_SIZE_BYTES:
        return RequestTooLarge(f"{said} to {sent_bytes:,} bytes")
    return BY_STATUS.get(status, BackendFailed)(said)
