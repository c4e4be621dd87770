"""An asynchronous client that a test calls without `await`."""

import asyncio
from collections.abc import Callable
from typing import Any

from trust_nsfw.client import AsyncModerationClient


class Awaited:
    """Has the client's methods, blocking; a context manager that closes it."""

    def __init__(self, client: AsyncModerationClient) -> None:
        self._runner = asyncio.Runner()
        self._client = client

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(*arguments: Any, **options: Any) -> Any:
            return await getattr(self._client, name)(*arguments, **options)

        return lambda *arguments, **options: self._runner.run(call(*arguments, **options))

    def __enter__(self) -> "Awaited":
        return self

    def __exit__(self, *error: object) -> None:
        self.aclose()
        self._runner.close()
