"""The command line in this process, and a stand-in for the server it asks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from fake_server import fake_http_server
from fake_service import MODEL, FakeService
from trust_nsfw.cli.app import main

PICTURES = {
    "a.jpg": b"1",  # the stand-in allows it
    "b.PNG": b"3",  # and has this one blurred
    "deep/er/c.webp": b"c",
    "corrupt.jpg": b"corrupt",
    "notes.txt": b"not a picture",
}


@dataclass(frozen=True)
class Finished:
    """What a command left."""

    code: int
    out: str
    err: str


Run = Callable[..., Finished]


class DescribedService(FakeService):
    """A service that describes itself as ours does."""

    def describe(self) -> list[dict[str, Any]]:
        [description] = super().describe()
        policies = {"model": MODEL, "policies": {"default": "1", "strict": "2"}, "default_policy": "default"}
        description["customizedMetadata"] |= policies
        return [description]


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[DescribedService]:
    """A service behind the address that the command line takes from its environment."""
    with fake_http_server(DescribedService()) as server:
        monkeypatch.setenv("TRUST_NSFW_URL", server.address)
        monkeypatch.setenv("TRUST_NSFW_MANAGEMENT_URL", server.address)
        yield server.service


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command to its end."""

    def finished(*arguments: object) -> Finished:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    return finished


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the folder `tree` of small pictures in it."""
    monkeypatch.chdir(tmp_path)
    for name, content in PICTURES.items():
        file = tmp_path / "tree" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the folder `many` of a hundred pictures in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "many").mkdir()
    for number in range(100):
        (tmp_path / f"many/{number:03}.jpg").write_bytes(f"picture {number}".encode())
    return tmp_path


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put bytes into stdin."""
    return lambda content: monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(content)))
