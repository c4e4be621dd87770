"""The three clients, each with a stand-in that speaks its protocol."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from awaited import Awaited
from fake_server import fake_grpc_server, fake_http_server
from fake_service import FakeService
from trust_nsfw.client import AsyncModerationClient, Backoff, GrpcModerationClient, ModerationClient

KINDS = ("rest", "async", "grpc")
QUICK = {"deadline_seconds": 20.0, "backoff": Backoff(first_seconds=0.001, longest_seconds=0.01)}


class Bench:
    """One kind of client and a stand-in for it; `client` makes any number of clients with options of their own."""

    def __init__(self, kind: str, stack: ExitStack) -> None:
        self.kind = kind
        self.service = FakeService()
        self._stack = stack
        serve = fake_grpc_server if kind == "grpc" else fake_http_server
        self.address = stack.enter_context(serve(self.service)).address

    def client(self, **options: Any) -> Any:
        options = {**QUICK, **options}
        address = options.pop("address", self.address)
        if self.kind == "grpc":
            return self._stack.enter_context(GrpcModerationClient(address, management_target=address, **options))
        if self.kind == "rest":
            return self._stack.enter_context(ModerationClient(address, management_url=address, **options))
        return self._stack.enter_context(Awaited(AsyncModerationClient(address, management_url=address, **options)))

    @property
    def nowhere(self) -> str:
        """An address where nobody listens."""
        return "127.0.0.1:9" if self.kind == "grpc" else "http://127.0.0.1:9"


@pytest.fixture(params=KINDS)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(request.param, stack)


@pytest.fixture(params=("rest", "async"))
def http_bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(request.param, stack)


@pytest.fixture
def rest_bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench("rest", stack)


@pytest.fixture
def grpc_bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench("grpc", stack)
