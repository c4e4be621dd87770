"""Which server is measured: one that runs already, or one of our own from an archive."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from campaign.errors import CampaignError
from campaign.place import Place
from measuring import ROOT
from measuring.archives import MODEL_CONFIG, Archive, build
from measuring.servers import Server
from serving.ts_config import TorchServeConfig

SERVED_ARCHIVE = ROOT / "model_store/nsfw.mar"
CONFIG = ROOT / "config.properties"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says of the server; None is what it leaves open."""

    host: str | None = None  # URL of REST
    grpc_host: str | None = None  # HOST:PORT
    management: str | None = None
    metrics: str | None = None
    archive: Path | None = None
    model: Path | None = None


def place_of(wanted: Wanted) -> Place:
    """Return the addresses to look for a server at: those of config.properties, on --host's machine.

    Raises CampaignError for an address that isn't one.
    """
    rest, management, metrics, grpc = (one.url for one in TorchServeConfig.load(CONFIG, os.environ).addresses()[:4])
    if wanted.host:
        named = urlsplit(wanted.host if "://" in wanted.host else f"http://{wanted.host}")
        if named.scheme != "http" or not named.hostname or named.path.strip("/"):
            raise CampaignError(f"--host {wanted.host}: expected http://HOST:PORT")
        rest = f"http://{named.netloc}" if named.port else f"http://{named.hostname}:{urlsplit(rest).port}"
        management, metrics, grpc = (
            f"http://{named.hostname}:{urlsplit(one).port}" for one in (management, metrics, grpc)
        )
    return Place(
        rest=rest,
        grpc=(wanted.grpc_host or urlsplit(grpc).netloc).removeprefix("http://"),
        management=(wanted.management or management).rstrip("/"),
        metrics=(wanted.metrics or metrics).rstrip("/"),
    )


def running(wanted: Wanted) -> Place | None:
    """Return the server that is to be measured as it runs, None where it is ours to start.

    Raises CampaignError where none answers at a --host that was named, or one that can't be measured does.
    """
    if wanted.archive or wanted.model:
        if wanted.host:
            raise CampaignError("--host measures what runs there; --archive and --model start a server: leave one out")
        return None
    place = place_of(wanted)
    if not place.answers():
        if wanted.host:
            raise CampaignError(f"no server answers at {place.rest}")
        return None
    place.require_ready()
    return place


def archive_of(wanted: Wanted, scratch: Path) -> Archive:
    """Return what our own server serves: --archive, one built from --model, or what scripts/serve would serve."""
    if wanted.model:
        file = scratch / "nsfw.mar"
        build(wanted.model, MODEL_CONFIG, file)
        return Archive(str(wanted.model), file)
    if not wanted.archive and not SERVED_ARCHIVE.exists():
        _build_as_serve_does()
    return Archive("ours", wanted.archive or SERVED_ARCHIVE)


@contextmanager
def own_server(archive: Archive, scratch: Path) -> Iterator[Place]:
    """Start a server on free ports and give its addresses; it ends with the context. Raises StartError."""
    with (
        tempfile.TemporaryDirectory(prefix="server-", dir=scratch) as folder,
        Server(archive, Path(folder), "ours", gpus=True) as server,
    ):
        ports = server.ports
        yield Place(
            rest=f"http://127.0.0.1:{ports.inference}",
            grpc=f"127.0.0.1:{ports.grpc_inference}",
            management=f"http://127.0.0.1:{ports.management}",
            metrics=f"http://127.0.0.1:{ports.metrics}",
        )


def _build_as_serve_does() -> None:
    import serve_model  # noqa: PLC0415 - the maintainers' script, needed only where nothing was ever served
    from lowering.plan import Plan  # noqa: PLC0415 - likewise

    print(f"There is no {SERVED_ARCHIVE.relative_to(ROOT)} yet: building what scripts/serve would serve.", flush=True)
    try:
        serve_model.build(serve_model.fetch("auto"), Plan())
    except serve_model.ServeError as error:
        raise CampaignError(str(error)) from error
