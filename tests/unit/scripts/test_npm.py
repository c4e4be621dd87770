"""Getting npm, and getting a package through it; the npm of these tests is a two-line script."""

import tempfile
import venv
from pathlib import Path

import pytest

from model_sources import npm
from model_sources.errors import FetchError

TARBALL = "tiny"
TARBALL_INTEGRITY = "sha512-P3iyTvc8yBgJgnh9bbit5Ij6kdu6spTk/XR6Xg0Fx3AmNYmuCTqMVOce0T+E9YPDetn+IyBH8gyeB4D7/LmQVg=="


def put_npm_on_path(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    script = folder / "npm"
    script.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_package_arrives_whole_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_npm_on_path(tmp_path, f"printf {TARBALL} > tiny-1.0.0.tgz", monkeypatch)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    assert npm.download("tiny@1.0.0", TARBALL_INTEGRITY, size_bytes=4) == TARBALL.encode()
    assert list(scratch.iterdir()) == []


def test_another_integrity_than_the_pinned_one_is_refused() -> None:
    npm.check_integrity("tiny@1.0.0", TARBALL.encode(), TARBALL_INTEGRITY)
    with pytest.raises(FetchError, match=r"tiny@1\.0\.0 is refused"):
        npm.check_integrity("tiny@1.0.0", b"tinY", TARBALL_INTEGRITY)


def test_a_failed_download_says_why_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = '{"error": {"code": "ENOTFOUND", "summary": "request failed, reason: getaddrinfo ENOTFOUND"}}'
    put_npm_on_path(tmp_path, f"echo '{answer}'\nexit 1", monkeypatch)
    with pytest.raises(FetchError, match=r"^npm could not download tiny@1\.0\.0: request failed, reason: getaddrinfo"):
        npm.download("tiny@1.0.0", TARBALL_INTEGRITY, size_bytes=4)


def test_an_npm_that_cannot_run_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_npm_on_path(tmp_path, "echo 'env: node: No such file or directory' >&2\nexit 127", monkeypatch)
    with pytest.raises(FetchError, match="env: node: No such file or directory"):
        npm.download("tiny@1.0.0", TARBALL_INTEGRITY, size_bytes=4)


def test_a_download_that_stalls_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_npm_on_path(tmp_path, "echo a beginning > part; exec /bin/sleep 30", monkeypatch)
    monkeypatch.setattr(npm, "STALL_SECONDS", 0.5)
    with pytest.raises(FetchError, match=r"could not download tiny@1\.0\.0: no byte in 0\.5 s"):
        npm.download("tiny@1.0.0", TARBALL_INTEGRITY, size_bytes=4)


def test_without_npm_and_without_pip_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FetchError, match=r"^npm is missing: install Node\.js, or .*No module named pip\)$"):
        npm.find_npm(tmp_path / "bare" / "bin" / "python")
