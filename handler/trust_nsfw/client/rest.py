"""The REST client, over requests."""

from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import cast

import requests
import urllib3
from requests.adapters import HTTPAdapter

from trust_nsfw.client.backoff import Backoff, Deadline
from trust_nsfw.client.batches import RequestLimits
from trust_nsfw.client.calls import Reply
from trust_nsfw.client.conversation import Conversations, OnUnavailable, Send
from trust_nsfw.client.errors import DeadlineExceeded, Unreachable
from trust_nsfw.client.http_requests import DEFAULT_MODEL, HttpService
from trust_nsfw.client.synchronous import SynchronousClient
from trust_nsfw.client.tokens import Tokens

POOLED_CONNECTIONS = 32
SHORTEST_SECONDS = 0.001
CHUNK_BYTES = 64 * 1024


class ModerationClient(SynchronousClient):
    """Asks a service over HTTP. Threads may share it: it keeps connections, and nothing of one call for another."""

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
        super().__init__(
            Conversations(
                self._tokens, deadline_seconds, backoff or Backoff(), limits or RequestLimits(), on_unavailable
            )
        )
        self._session = requests.Session()
        self._session.trust_env = not self._service.is_local
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._adapter = HTTPAdapter(pool_maxsize=POOLED_CONNECTIONS, max_retries=0)
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)

    def _disconnect(self) -> None:
        """Close the connections."""
        pools = self._adapter.poolmanager.pools
        for key in pools.keys():  # noqa: SIM118 - not a mapping that iterates
            pools[key].close()  # a session only forgets its pools, and an error that is kept keeps its pool
        self._session.close()

    def _send(self, step: Send) -> Reply:
        request = self._service.request(step.call, self._tokens)
        # For everything up to the answer's head; the wait for each part of its body starts anew, so _body counts too.
        left = urllib3.Timeout(total=max(step.deadline.left_seconds(), SHORTEST_SECONDS))
        try:
            with self._session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=request.body,
                timeout=cast(float, left),  # requests takes urllib3's Timeout, its type stubs don't
                auth=_as_it_is,
                allow_redirects=False,
                stream=True,
            ) as response:
                body = _body(response, step.deadline)
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError) as error:
            raise DeadlineExceeded(f"{request.url} did not answer in time") from error
        except (requests.ConnectionError, urllib3.exceptions.HTTPError) as error:
            raise Unreachable(f"{request.url}: {error}") from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Reply(body, response.status_code, headers)


def _body(response: requests.Response, deadline: Deadline) -> bytes:
    """Return the whole body as it comes. Raises TimeoutError at the first part after the deadline."""
    parts = []
    while part := response.raw.read1(CHUNK_BYTES, decode_content=True):  # unlike read, it waits for no full chunk
        parts.append(part)
        if deadline.left_seconds() <= 0:
            raise TimeoutError
    return b"".join(parts)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Authorize nothing further: without this, requests puts a password from ~/.netrc in the place of our token."""
    return request
