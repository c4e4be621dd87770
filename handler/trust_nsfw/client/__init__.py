"""Clients of the service, for REST (blocking and asynchronous) and gRPC; they need neither the model nor its libraries.

Each name is imported when it is first used, so that only the libraries of the client in use need be installed.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trust_nsfw.client.asynchronous import AsyncModerationClient
    from trust_nsfw.client.backoff import Backoff
    from trust_nsfw.client.batches import RequestLimits
    from trust_nsfw.client.errors import ModerationError, Unavailable
    from trust_nsfw.client.grpc_client import GrpcModerationClient
    from trust_nsfw.client.rest import ModerationClient
    from trust_nsfw.client.results import (
        BatchAnswer,
        ExplainedVerdict,
        ModeratedPicture,
        RemoteVerdict,
        Unscored,
    )
    from trust_nsfw.schema import Action, Failure

_HOMES = {
    "Action": "trust_nsfw.schema",
    "AsyncModerationClient": "trust_nsfw.client.asynchronous",
    "Backoff": "trust_nsfw.client.backoff",
    "BatchAnswer": "trust_nsfw.client.results",
    "ExplainedVerdict": "trust_nsfw.client.results",
    "Failure": "trust_nsfw.schema",
    "GrpcModerationClient": "trust_nsfw.client.grpc_client",
    "ModeratedPicture": "trust_nsfw.client.results",
    "ModerationClient": "trust_nsfw.client.rest",
    "ModerationError": "trust_nsfw.client.errors",
    "RemoteVerdict": "trust_nsfw.client.results",
    "RequestLimits": "trust_nsfw.client.batches",
    "Unavailable": "trust_nsfw.client.errors",
    "Unscored": "trust_nsfw.client.results",
}

__all__ = [
    "Action",
    "AsyncModerationClient",
    "Backoff",
    "BatchAnswer",
    "ExplainedVerdict",
    "Failure",
    "GrpcModerationClient",
    "ModeratedPicture",
    "ModerationClient",
    "ModerationError",
    "RemoteVerdict",
    "RequestLimits",
    "Unavailable",
    "Unscored",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
