"""Where the server under test answers, and which processes it is made of."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import psutil
import requests

from campaign.errors import CampaignError
from measuring.process_usage import Groups

SECONDS = 10.0  # for one of the server's own pages
FIRST_LOOK_SECONDS = 3.0
KEY_ERROR = "InvalidKeyException"  # of a server with token authorization
SILENT_SECONDS = 10.0  # of a management API that answered before: then the server has ended
READY_SECONDS = 60.0  # a worker that was hit by an overload may be starting again
POLL_SECONDS = 0.2
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class Place:
    """The addresses of one TorchServe: URLs without a slash at the end, and HOST:PORT for gRPC."""

    rest: str
    grpc: str
    management: str
    metrics: str
    model_name: str = "nsfw"

    @property
    def is_here(self) -> bool:
        """Whether it is reached by loopback, so that its processes may be this machine's."""
        return urlsplit(self.rest).hostname in LOOPBACK

    def answers(self) -> bool:
        """Whether anything listens at the REST address."""
        try:
            _get(f"{self.rest}/ping", FIRST_LOOK_SECONDS)
        except requests.ConnectionError:
            return False
        except requests.RequestException:
            return True
        return True

    def description(self) -> Mapping[str, Any]:
        """Return TorchServe's description of the model, our own in its `customizedMetadata`. Raises CampaignError."""
        url = f"{self.management}/models/{self.model_name}"
        try:
            response = _get(f"{url}?customized=true", SECONDS)
        except requests.RequestException as error:
            raise CampaignError(f"the server's management API doesn't answer at {url}: {error}") from error
        if KEY_ERROR in response.text or response.status_code in (401, 403):  # TorchServe's way, a proxy's
            raise CampaignError(f"{url} asks for a token: the load test drives servers without token authorization")
        if not response.ok:
            excerpt = " ".join(response.text[:200].split())
            raise CampaignError(f"the server serves no model {self.model_name}: {url} answered {excerpt}")
        try:
            description: Mapping[str, Any] = response.json()[0]
            description["workers"]
        except (ValueError, LookupError, TypeError) as error:
            raise CampaignError(f"{url} is not answered by TorchServe") from error
        return description

    def worker_pids(self) -> list[int]:
        """Return the process ids of the workers that are ready. Raises CampaignError where the model isn't served."""
        return sorted(one["pid"] for one in self.description()["workers"] if one["status"] == "READY")

    def queue_places(self) -> int | None:
        """Return how many requests may wait or be under way; None where the description doesn't tell."""
        try:
            description = self.description()
            queue = description["jobQueueStatus"]
            waiting = int(queue["remainingCapacity"]) + int(queue["pendingRequests"])
            return waiting + int(description["batchSize"]) * len(description["workers"])
        except (CampaignError, LookupError, TypeError, ValueError):
            return None

    def require_ready(self) -> None:
        """Raise CampaignError for a server without a worker that is ready."""
        if not self.worker_pids():
            raise CampaignError(f"no worker of {self.model_name} is ready at {self.management}")

    def settled_pids(self) -> list[int] | None:
        """Return the workers once there is one, none of them after a minute; None where the server doesn't tell any
        more: a load may have ended it, and that is a finding.
        """
        begun = heard = time.monotonic()
        pids: list[int] | None = None
        while not pids and (now := time.monotonic()) < begun + READY_SECONDS:
            try:
                pids, heard = self.worker_pids(), now
            except CampaignError:
                if now > heard + SILENT_SECONDS:
                    return None
            if not pids:
                time.sleep(POLL_SECONDS)
        return pids

    def groups(self) -> Groups:
        """Return the process ids of workers and Java; {} where they aren't processes of this machine.

        A container's ids may belong to other programs here: only children of a Java count.
        """
        if not self.is_here:
            return {}
        try:
            workers = self.worker_pids()
            javas = {java for pid in workers if (java := _java_above(pid)) is not None}
        except (CampaignError, psutil.Error):
            return {}
        return {"worker": workers, "java": sorted(javas)} if javas else {}

    def metrics_text(self) -> str:
        """Return Prometheus' text. Raises CampaignError."""
        try:
            response = _get(f"{self.metrics}/metrics", SECONDS)
            response.raise_for_status()
        except requests.RequestException as error:
            raise CampaignError(f"the server's metrics can't be read: {error}") from error
        return response.text


def _get(url: str, seconds: float) -> requests.Response:
    """Ask in a session of its own: several threads do, and a session belongs to one."""
    with requests.Session() as session:
        session.trust_env = False  # no proxies: they would be measured
        return session.get(url, timeout=seconds)


def _java_above(pid: int) -> int | None:
    return next((one.pid for one in psutil.Process(pid).parents() if one.name() == "java"), None)
