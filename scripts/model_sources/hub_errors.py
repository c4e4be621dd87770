"""What goes wrong between us and a model hub, in sentences that say what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)

from model_sources.errors import FetchError

ACCESS_STATUSES = (401, 403, 404)
HUB_HEADERS = ("X-Error-Code", "X-Error-Message")
"""A hub explains a refusal in one of these; a network's filter does not."""


class HubUnreachable(FetchError):
    """The hub does not answer, not now, or not like a hub."""


class AccessRefused(FetchError):
    """The hub answers, but does not let us read this repository."""


@contextmanager
def plainly(repo_id: str, revision: str, kind: str = "model") -> Iterator[None]:
    """Turn what huggingface_hub and httpx2 raise inside into a FetchError of one sentence."""
    hub = constants.ENDPOINT
    try:
        yield
    except OfflineModeIsEnabled:
        raise HubUnreachable("HF_HUB_OFFLINE is set, so the model hub is not asked") from None
    except RevisionNotFoundError:
        raise FetchError(f"{repo_id} has no revision {revision}") from None
    except HfHubHTTPError as error:
        raise _from_status(error, repo_id, kind) from None
    except httpx2.HTTPError as error:
        raise HubUnreachable(f"the model hub {hub} cannot be reached: {_reason(error)}") from None
    except (LocalEntryNotFoundError, FileMetadataError) as error:
        raise HubUnreachable(f"{hub} does not answer like a model hub: {_reason(error)}") from None


def _from_status(error: HfHubHTTPError, repo_id: str, kind: str) -> FetchError:
    """Tell a hub that refuses from one that is out of order, and from a proxy that answers in its place."""
    page = f"{constants.ENDPOINT}/{'' if kind == 'model' else f'{kind}s/'}{repo_id}"
    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        return AccessRefused(
            f"{repo_id} is gated: accept its terms at {page}, then set HF_TOKEN to a token of that account"
        )
    if status in ACCESS_STATUSES and any(header in error.response.headers for header in HUB_HEADERS):
        return AccessRefused(
            f"{repo_id} is private, or there is no such {kind} (status {status} for {page}): check the name, "
            "or set HF_TOKEN to a token that may read it"
        )
    return HubUnreachable(f"{constants.ENDPOINT} answers with status {status}, as no model hub in good order would")


def _reason(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
