"""A checkpoint on a model hub, through huggingface_hub: HF_TOKEN, HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE all count."""

import contextlib
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from huggingface_hub import (
    HfApi,
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.file_download import repo_folder_name

from model_sources import files, transfer
from model_sources.hub_errors import HubUnreachable, plainly
from model_sources.record import SourceRecord
from trust_nsfw.errors import CheckpointError

TRUST_CHECKPOINT = "Sagnikroy/TRUST-NSFW-Soft-V1"
DEFAULT_REVISION = "main"

STEP_TIMEOUT_SECONDS = 5
CONTACT_DEADLINE_SECONDS = 7
"""For name resolution and every address tried together: the client's own time-outs hold for one step each."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What the hub says of a revision: its commit, its license if stated, and the names of its files."""

    commit: str
    license: str | None
    names: frozenset[str]


def fetch(staging: Path, repo_id: str, revision: str = DEFAULT_REVISION) -> None:
    """Write the checkpoint into the empty directory `staging`, with a record that names the commit of `revision`.

    The files pass through the hub's cache in HF_HOME, which also answers when the hub can't be reached. Raises
    HubUnreachable, AccessRefused, FetchError for an unknown revision, CheckpointError for a file that is missing.
    """
    try:
        listing = _ask(repo_id, revision)
    except HubUnreachable as unreachable:
        _take_from_cache(staging, repo_id, revision, unreachable)
        return

    def get(name: str) -> None:
        files.copy(_cached(repo_id, listing.commit, name), staging / name)

    with plainly(repo_id, revision):
        files.collect(listing.names, get, staging)
    _remember(repo_id, revision, listing.commit)
    SourceRecord(repo_id, listing.commit, license=listing.license).write(staging)


def _ask(repo_id: str, revision: str) -> Listing:
    """List a revision's files within CONTACT_DEADLINE_SECONDS, even if name resolution hangs."""
    answer: Future[Listing] = Future()

    def ask() -> None:
        try:
            answer.set_result(_list(repo_id, revision))
        except Exception as error:  # noqa: BLE001 (raised again where the answer is awaited)
            answer.set_exception(error)

    Thread(target=ask, daemon=True, name="ask-the-hub").start()
    with plainly(repo_id, revision):
        try:
            return answer.result(CONTACT_DEADLINE_SECONDS)
        except TimeoutError:
            reason = f"did not answer within {CONTACT_DEADLINE_SECONDS} seconds"
        except (ValueError, KeyError, TypeError):
            reason = "does not answer like a model hub"
    raise HubUnreachable(f"the model hub {constants.ENDPOINT} {reason}")


def _list(repo_id: str, revision: str) -> Listing:
    info = HfApi().model_info(repo_id, revision=revision, timeout=STEP_TIMEOUT_SECONDS)
    if info.sha is None or info.siblings is None:
        raise ValueError("no commit or no list of files")
    license_id = info.card_data.get("license") if info.card_data else None
    return Listing(
        commit=info.sha,
        license=license_id if isinstance(license_id, str) else None,
        names=frozenset(sibling.rfilename for sibling in info.siblings),
    )


def _cached(repo_id: str, commit: str, name: str) -> Path:
    """Return the path of a file in the hub's cache, after bringing it there if need be.

    huggingface_hub starts an interrupted file again from zero, so this gathers the bytes at the place its documented
    cache layout has for them, blobs/ETAG, and leaves the rest to it.
    """
    if isinstance(cached := try_to_load_from_cache(repo_id, name, revision=commit), str):
        return Path(cached)
    url = hf_hub_url(repo_id, name, revision=commit)
    metadata = get_hf_file_metadata(url, timeout=STEP_TIMEOUT_SECONDS)
    if metadata.size is not None and metadata.etag is not None:
        blob = _cache_folder(repo_id) / "blobs" / metadata.etag
        if not blob.exists():
            transfer.download(url, blob, metadata.size, metadata.etag)
    return Path(hf_hub_download(repo_id, name, revision=commit, etag_timeout=STEP_TIMEOUT_SECONDS))


def _remember(repo_id: str, revision: str, commit: str) -> None:
    """Note in the hub's cache which commit a branch or tag is, so that it can be found without the hub.

    A cache that can't be written to, because somebody shares it, does without the note.
    """
    reference = _cache_folder(repo_id) / "refs" / revision
    if revision == commit or (reference.is_file() and reference.read_text(encoding="ascii") == commit):
        return
    with contextlib.suppress(OSError):
        reference.parent.mkdir(parents=True, exist_ok=True)
        partial = reference.with_name(f"{reference.name}.partial")
        partial.write_text(commit, encoding="ascii")
        partial.replace(reference)


def _cache_folder(repo_id: str) -> Path:
    return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=repo_id, repo_type="model"))


def _take_from_cache(staging: Path, repo_id: str, revision: str, unreachable: HubUnreachable) -> None:
    """Write the checkpoint from the hub's cache alone, or raise `unreachable` if that doesn't hold all of it."""
    config = try_to_load_from_cache(repo_id, "config.json", revision=revision)
    if not isinstance(config, str):
        raise unreachable
    snapshot = Path(config).parent
    names = {file.name for file in snapshot.iterdir()}
    try:
        files.collect(names, lambda name: files.copy(snapshot / name, staging / name), staging)
    except CheckpointError as incomplete:
        raise HubUnreachable(f"{unreachable}, and in its cache {incomplete}") from None
    print(f"{unreachable}; {repo_id} is taken from its cache in HF_HOME", file=sys.stderr)
    SourceRecord(repo_id, snapshot.name).write(staging)
