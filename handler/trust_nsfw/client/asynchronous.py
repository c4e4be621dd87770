"""The asynchronous REST client, over httpx2 and asyncio."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from trust_nsfw.client.backoff import Backoff
from trust_nsfw.client.batches import RequestLimits
from trust_nsfw.client.calls import Options, Reply
from trust_nsfw.client.conversation import Conversations, Done, Images, OnUnavailable, Send, T, Talk, advance
from trust_nsfw.client.errors import DeadlineExceeded, ModerationError, Unreachable
from trust_nsfw.client.http_requests import DEFAULT_MODEL, HttpService
from trust_nsfw.client.payloads import Image
from trust_nsfw.client.results import BatchAnswer, ExplainedVerdict, ModeratedPicture, RemoteVerdict, Unscored
from trust_nsfw.client.tokens import Tokens


class AsyncModerationClient:
    """ModerationClient for asyncio; the tasks of one event loop may share it.

    Files are read, and bodies encoded, in threads: the loop never waits for them.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        management_url: str | None = None,
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
        """Connect to nothing yet. Raises ValueError for an address or option that makes no sense."""
        self._service = HttpService(url, management_url, model, version)
        self._tokens = Tokens(token, key_file, management_token)
        self._conversations = Conversations(
            self._tokens, deadline_seconds, backoff or Backoff(), limits or RequestLimits(), on_unavailable
        )
        self._http = httpx2.AsyncClient(
            timeout=None,  # the deadline holds for everything together
            limits=httpx2.Limits(max_connections=None),
            trust_env=not self._service.is_local,
        )

    async def classify(
        self,
        image: Image,
        *,
        policy: str | None = None,
        min_confidence: float | None = None,
        request_id: str | None = None,
    ) -> RemoteVerdict | Unscored:
        """Return the verdict on one image; see SynchronousClient for what is raised."""
        return await self._hold(self._conversations.classify(image, Options(policy, min_confidence, request_id)))

    async def classify_many(
        self,
        images: Images,
        *,
        policy: str | None = None,
        min_confidence: float | None = None,
        request_id: str | None = None,
        deadline_seconds: float | None = None,
    ) -> BatchAnswer:
        """Return one result per image, in order; see SynchronousClient.classify_many."""
        options = Options(policy, min_confidence, request_id)
        return await self._hold(self._conversations.classify_many(images, options, deadline_seconds))

    async def moderated(
        self,
        image: Image,
        *,
        policy: str | None = None,
        min_confidence: float | None = None,
        request_id: str | None = None,
    ) -> ModeratedPicture | Unscored:
        """Return the picture fit to show: blurred when the action is blur, else re-encoded without metadata."""
        return await self._hold(self._conversations.moderated(image, Options(policy, min_confidence, request_id)))

    async def explain(
        self,
        image: Image,
        *,
        policy: str | None = None,
        min_confidence: float | None = None,
        request_id: str | None = None,
    ) -> ExplainedVerdict | Unscored:
        """Return the verdict on one image and where in it the deciding score comes from."""
        return await self._hold(self._conversations.explain(image, Options(policy, min_confidence, request_id)))

    async def describe(self) -> dict[str, Any]:
        """Return TorchServe's description of the model; raises ValueError without a management address."""
        return await self._hold(self._conversations.describe())

    async def ready(self) -> bool:
        """Say whether a worker is ready to score; raises ValueError without a management address."""
        return await self._hold(self._conversations.ready())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _hold(self, talk: Talk[T]) -> T:
        step = await asyncio.to_thread(advance, talk, None)
        while not isinstance(step, Done):
            await asyncio.sleep(step.after_seconds)
            step = await asyncio.to_thread(advance, talk, await self._outcome(step))
        return step.value

    async def _outcome(self, step: Send) -> Reply | ModerationError:
        request = self._service.request(step.call, self._tokens)
        try:
            async with asyncio.timeout(step.deadline.left_seconds()):
                response = await self._http.request(
                    request.method, request.url, headers=request.headers, content=request.body
                )
        except TimeoutError:
            return DeadlineExceeded(f"{request.url} did not answer in time")
        except httpx2.RequestError as error:
            return Unreachable(f"{request.url}: {error or type(error).__name__}")
        return Reply(response.content, response.status_code, dict(response.headers))
