"""One file of the hub over HTTP, continued where an earlier attempt stopped, in this process or another."""

import fcntl
import hashlib
import time
from pathlib import Path
from typing import BinaryIO, NoReturn

import httpx2
from huggingface_hub import get_session
from huggingface_hub.utils import build_hf_headers, hf_raise_for_status
from tqdm import tqdm

from model_sources.errors import FetchError
from model_sources.files import progress_bar
from model_sources.hub_errors import HubUnreachable

ATTEMPTS = 6
PAUSE_SECONDS = 1
SILENCE_TIMEOUT_SECONDS = 6
SHA256_HEX_DIGITS = 64


def download(url: str, destination: Path, size_bytes: int, etag: str) -> None:
    """Download to `destination`, gathering the bytes in NAME.partial beside it, which outlives an interruption.

    Where the etag is a sha256, as the hub's is for large files, the content is checked against it. Raises FetchError
    for other content, HubUnreachable when the connection keeps breaking, and huggingface_hub's HfHubHTTPError.
    """
    partial = destination.with_name(f"{destination.name}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchError(f"another process is downloading {url}; wait for it") from None
        with progress_bar(f"Downloading {url.rpartition('/')[2]}", size_bytes, file.tell()) as bar:
            _fill(file, url, size_bytes, bar)
        file.seek(0)
        is_digest = len(etag) == SHA256_HEX_DIGITS
        if is_digest and hashlib.file_digest(file, "sha256").hexdigest() != etag:
            partial.unlink()
            raise FetchError(f"what came from {url} is not what the hub announced (sha256 {etag}); fetch it again")
        partial.replace(destination)


def _fill(file: BinaryIO, url: str, size_bytes: int, bar: "tqdm[NoReturn]") -> None:
    """Append to `file` until it holds `size_bytes`, taking up a broken connection again."""
    reason, begun_at = "it ended early", file.tell()
    for attempt in range(ATTEMPTS):
        if file.tell() >= size_bytes:
            return
        time.sleep(PAUSE_SECONDS if attempt else 0)
        try:
            _receive(file, url, bar)
        except httpx2.TransportError as error:
            reason = str(error)
            if file.tell() == begun_at:
                break  # not one byte has come: nobody is there, and the caller may know another source
    if file.tell() < size_bytes:
        raise HubUnreachable(
            f"the transfer of {url} broke off at {file.tell():,} of {size_bytes:,} bytes ({reason}); "
            "fetch again to continue it"
        )


def _receive(file: BinaryIO, url: str, bar: "tqdm[NoReturn]") -> None:
    """Append what one answer holds of the rest; a server that can't send a part makes it start again."""
    headers = {**build_hf_headers(), "Accept-Encoding": "identity", "Range": f"bytes={file.tell()}-"}
    with get_session().stream("GET", url, headers=headers, timeout=SILENCE_TIMEOUT_SECONDS) as answer:
        hf_raise_for_status(answer)
        if answer.status_code != httpx2.codes.PARTIAL_CONTENT:
            file.seek(0)
            file.truncate()
            bar.reset()
        for chunk in answer.iter_bytes():
            bar.update(file.write(chunk))
