"""Users of the REST API."""

import socket
from collections.abc import Collection
from typing import Any

from geventhttpclient.connectionpool import ConnectionPool
from locust import FastHttpUser
from locust.contrib.fasthttp import LocustBadStatusCode

from driving.session import NoAnswerError
from driving.users import TrafficUser, session_of
from traffic.call import Call, Kind, Reply

KINDS: Collection[Kind] = tuple(Kind)
OPEN_LOOP_CONNECTIONS = 4096
"""Of one user: as many requests may be under way at once; further ones wait, and their latency says so."""


def _send_at_once(pool: ConnectionPool, connected: socket.socket) -> None:
    """Switch Nagle's algorithm off: the end of a body would wait up to 40 ms until its start is acknowledged."""
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


# A hook to override; but which class of pool is made, neither Locust nor its client lets anyone say.
ConnectionPool.after_connect = _send_at_once  # type: ignore[method-assign, assignment]


class RestUser(TrafficUser, FastHttpUser):
    """Speaks HTTP/1.1 over connections that are kept alive, one in closed loop."""

    abstract = True
    method = "POST"
    concurrency = OPEN_LOOP_CONNECTIONS

    def __init__(self, environment: Any) -> None:
        """Wait for an answer as long as the session does."""
        self.connection_timeout = self.network_timeout = session_of(environment).options.answer_limit_seconds
        super().__init__(environment)
        model = self.session.options.model_name
        self._paths = {Kind.EXPLANATION: f"/explanations/{model}", Kind.HEALTH: "/ping"}
        self._path = f"/predictions/{model}"
        self._policy = {"X-Policy": self.session.options.policy} if self.session.options.policy else {}

    def method_of(self, kind: Kind) -> str:
        """Return HTTP's own method."""
        return "GET" if kind is Kind.HEALTH else self.method

    def exchange(self, call: Call) -> Reply:
        """Send a request and return the whole answer. Raises NoAnswerError."""
        headers = {"Content-Type": call.media_type, **self._policy} if call.kind is not Kind.HEALTH else {}
        if call.kind is Kind.MODERATED:
            headers["Accept"] = "image/*"
        body: Any = call.body or None  # bytes go out as they are, whatever the parameter's type says
        path, method = self._paths.get(call.kind, self._path), self.method_of(call.kind)
        # Caught, so that nothing is reported: the session does that, with a latency from the intended time.
        response = self.client.request(method, path, data=body, headers=headers, catch_response=True)
        failure = response.request_meta["exception"]
        if failure is not None and not isinstance(failure, LocustBadStatusCode):
            raise NoAnswerError(f"{type(failure).__name__}: {failure}")
        received = {name.lower(): value for name, value in (response.headers or {}).items()}
        return Reply(response.status_code, str(response.status_code), response.content or b"", received)
