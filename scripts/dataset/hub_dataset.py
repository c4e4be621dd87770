"""A data set on the hub in any of its usual layouts: zip archives of class folders, Parquet, or image files."""

import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from dataset.archive import ZipArchives
from dataset.example import DatasetError
from dataset.folder import ImageFolder
from dataset.source_image import Origin, Source
from model_sources import hub
from model_sources.hub_errors import HubUnreachable, plainly
from trust_nsfw.cli.files import EXTENSIONS


def fetch(repo_id: str, revision: str = hub.DEFAULT_REVISION) -> Source:
    """Bring a data set's files into the hub's cache in HF_HOME, and return their images.

    Raises HubUnreachable unless that cache holds the revision, AccessRefused for a gated or private data set,
    FetchError for an unknown revision, DatasetError for a layout that is none of ours.
    """
    repository = hub.Repository(repo_id, revision, "dataset")
    try:
        listing = hub.ask(repository)
    except HubUnreachable as unreachable:
        return _from_cache(repository, unreachable)
    wanted = wanted_names(listing.names, repo_id)
    with plainly(repo_id, revision, "dataset"):
        for name in tqdm(wanted, "Fetching", unit="file", disable=True if len(wanted) < 2 else None):
            held = hub.cached(repository, listing.commit, name)
    hub.remember(repository, listing.commit)
    snapshot = Path(str(held).removesuffix(wanted[-1]))
    return _open(snapshot, wanted, Origin("hub", repo_id, listing.commit, listing.license))


def wanted_names(names: Iterable[str], repo_id: str) -> list[str]:
    """Return the files that hold the images, all of one kind, in order; raises DatasetError when there are none."""
    found = sorted(names)
    for endings in ({".parquet"}, {".zip"}, EXTENSIONS):
        is_image = endings is EXTENSIONS
        wanted = [
            name for name in found if PurePosixPath(name).suffix.lower() in endings and (not is_image or "/" in name)
        ]
        if wanted:
            return wanted
    raise DatasetError(f"{repo_id} holds neither Parquet nor zip archives nor images in folders: {', '.join(found)}")


def _open(snapshot: Path, names: list[str], origin: Origin) -> Source:
    files = [snapshot / name for name in names]
    match files[0].suffix.lower():
        case ".parquet":
            from dataset.table import ParquetFiles  # noqa: PLC0415 (a second, which the other layouts can do without)

            return ParquetFiles(files, origin)
        case ".zip":
            return ZipArchives(files, origin)
        case _:
            return ImageFolder(snapshot, origin)


def _from_cache(repository: hub.Repository, unreachable: HubUnreachable) -> Source:
    """Take what an earlier run brought into the hub's cache, or raise `unreachable` when that is nothing."""
    snapshot = hub.snapshot(repository)
    names = [] if snapshot is None else [path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*.*")]
    if snapshot is None or not names:
        raise unreachable
    print(f"{unreachable}; {repository.repo_id} is taken from its cache in HF_HOME", file=sys.stderr)
    wanted = wanted_names(names, repository.repo_id)
    _require_all_parts(wanted, repository.repo_id)
    return _open(snapshot, wanted, Origin("hub", repository.repo_id, snapshot.name))


def _require_all_parts(names: list[str], repo_id: str) -> None:
    """Raise DatasetError where files NAME-00000-of-00004 are named and not all of them are there."""
    for name in names:
        head, of, count = PurePosixPath(name).stem.rpartition("-of-")
        if of and count.isdigit():
            stem = name.rpartition("/")[0] + "/" + head.rpartition("-")[0] if "/" in name else head.rpartition("-")[0]
            held = sum(1 for other in names if other.startswith(f"{stem}-") and f"-of-{count}" in other)
            if held != int(count):
                raise DatasetError(f"{repo_id}: its cache in HF_HOME holds {held} of {int(count)} parts of {stem}")
