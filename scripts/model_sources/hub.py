"""A repository on a model hub, through huggingface_hub: HF_TOKEN, HF_HOME, HF_ENDPOINT, HF_HUB_OFFLINE all count."""

import contextlib
import sys
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Literal

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
RepositoryKind = Literal["model", "dataset"]

STEP_TIMEOUT_SECONDS = 5
CONTACT_DEADLINE_SECONDS = 7
"""For name resolution and every address tried together: the client's own time-outs hold for one step each."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A model's or a data set's files at a revision."""

    repo_id: str
    revision: str = DEFAULT_REVISION
    kind: RepositoryKind = "model"

    @property
    def cache_folder(self) -> Path:
        """Where the hub's cache keeps it."""
        return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=self.repo_id, repo_type=self.kind))


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
    repository = Repository(repo_id, revision)
    try:
        listing = ask(repository)
    except HubUnreachable as unreachable:
        _take_from_cache(staging, repository, unreachable)
        return

    def get(name: str) -> None:
        files.copy(cached(repository, listing.commit, name), staging / name)

    with plainly(repo_id, revision):
        files.collect(listing.names, get, staging)
    remember(repository, listing.commit)
    SourceRecord(repo_id, listing.commit, license=listing.license).write(staging)


def ask(repository: Repository) -> Listing:
    """List a revision's files within CONTACT_DEADLINE_SECONDS, even if name resolution hangs.

    Raises HubUnreachable, AccessRefused, FetchError for an unknown revision.
    """
    answer: Future[Listing] = Future()

    def list_files() -> None:
        try:
            answer.set_result(_list(repository))
        except Exception as error:  # noqa: BLE001 (raised again where the answer is awaited)
            answer.set_exception(error)

    Thread(target=list_files, daemon=True, name="ask-the-hub").start()
    with plainly(repository.repo_id, repository.revision, repository.kind):
        try:
            return answer.result(CONTACT_DEADLINE_SECONDS)
        except TimeoutError:
            reason = f"did not answer within {CONTACT_DEADLINE_SECONDS} seconds"
        except (ValueError, KeyError, TypeError):
            reason = "does not answer like a model hub"
    raise HubUnreachable(f"the model hub {constants.ENDPOINT} {reason}")


def _list(repository: Repository) -> Listing:
    ask_for = HfApi().model_info if repository.kind == "model" else HfApi().dataset_info
    info = ask_for(repository.repo_id, revision=repository.revision, timeout=STEP_TIMEOUT_SECONDS)
    if info.sha is None or info.siblings is None:
        raise ValueError("no commit or no list of files")
    license_id = info.card_data.get("license") if info.card_data else None
    return Listing(
        commit=info.sha,
        license=license_id if isinstance(license_id, str) else None,
        names=frozenset(sibling.rfilename for sibling in info.siblings),
    )


def cached(repository: Repository, commit: str, name: str) -> Path:
    """Return the path of a file in the hub's cache, after bringing it there if need be.

    huggingface_hub starts an interrupted file again from zero, so this gathers the bytes at the place its documented
    cache layout has for them, blobs/ETAG, and leaves the rest to it. To be called within `plainly`.
    """
    repo_id, kind = repository.repo_id, repository.kind
    if isinstance(found := try_to_load_from_cache(repo_id, name, revision=commit, repo_type=kind), str):
        return Path(found)
    url = hf_hub_url(repo_id, name, revision=commit, repo_type=kind)
    metadata = get_hf_file_metadata(url, timeout=STEP_TIMEOUT_SECONDS)
    if metadata.size is not None and metadata.etag is not None:
        blob = repository.cache_folder / "blobs" / metadata.etag
        if not blob.exists():
            transfer.download(url, blob, metadata.size, metadata.etag)
    path = hf_hub_download(repo_id, name, revision=commit, repo_type=kind, etag_timeout=STEP_TIMEOUT_SECONDS)
    return Path(path)


def remember(repository: Repository, commit: str) -> None:
    """Note in the hub's cache which commit a branch or tag is, so that it can be found without the hub.

    A cache that can't be written to, because somebody shares it, does without the note.
    """
    reference = _reference(repository)
    if repository.revision == commit or (reference.is_file() and reference.read_text(encoding="ascii") == commit):
        return
    with contextlib.suppress(OSError):
        reference.parent.mkdir(parents=True, exist_ok=True)
        partial = reference.with_name(f"{reference.name}.partial")
        partial.write_text(commit, encoding="ascii")
        partial.replace(reference)


def snapshot(repository: Repository) -> Path | None:
    """Return the folder, named by its commit, of what the hub's cache holds of a revision; None if that is nothing."""
    reference = _reference(repository)
    commit = reference.read_text(encoding="ascii") if reference.is_file() else repository.revision
    folder = repository.cache_folder / "snapshots" / commit
    return folder if folder.is_dir() else None


def _reference(repository: Repository) -> Path:
    return repository.cache_folder / "refs" / repository.revision


def _take_from_cache(staging: Path, repository: Repository, unreachable: HubUnreachable) -> None:
    """Write the checkpoint from the hub's cache alone, or raise `unreachable` if that doesn't hold all of it."""
    held = snapshot(repository)
    if held is None or not (held / "config.json").is_file():
        raise unreachable
    names = {file.name for file in held.iterdir()}
    try:
        files.collect(names, lambda name: files.copy(held / name, staging / name), staging)
    except CheckpointError as incomplete:
        raise HubUnreachable(f"{unreachable}, and in its cache {incomplete}") from None
    print(f"{unreachable}; {repository.repo_id} is taken from its cache in HF_HOME", file=sys.stderr)
    SourceRecord(repository.repo_id, held.name).write(staging)
