"""One file over HTTP: broken off, continued, refused."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub
import pytest

import hub_stand_in
from model_sources import transfer
from model_sources.errors import FetchError
from model_sources.hub_errors import HubUnreachable

CONTENT = bytes(range(256)) * 64
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    monkeypatch.setattr(transfer, "PAUSE_SECONDS", 0)
    with hub_stand_in.HubStandIn("owner/model", {"model.safetensors": CONTENT}) as stand_in:
        yield stand_in
    huggingface_hub.close_session()


@pytest.fixture
def url(hub) -> str:
    return f"{hub.url}/owner/model/resolve/main/model.safetensors"


def test_a_connection_that_breaks_once_is_taken_up_where_it_broke(hub, url: str, tmp_path: Path) -> None:
    hub.cut_at_bytes = 5_000
    transfer.download(url, tmp_path / "blob", len(CONTENT), DIGEST)
    assert (tmp_path / "blob").read_bytes() == CONTENT
    assert hub.ranges_asked_of_store() == ["bytes=0-", "bytes=5000-"]
    assert [file.name for file in tmp_path.iterdir()] == ["blob"]


def test_a_server_that_cannot_send_a_part_sends_the_whole_again(hub, url: str, tmp_path: Path) -> None:
    hub.honours_ranges = False
    hub.cut_at_bytes = 5_000
    transfer.download(url, tmp_path / "blob", len(CONTENT), DIGEST)
    assert (tmp_path / "blob").read_bytes() == CONTENT


def test_a_connection_that_keeps_breaking_ends_with_the_bytes_kept_for_the_next_call(
    hub, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ATTEMPTS", 1)
    hub.cut_at_bytes = 5_000
    with pytest.raises(HubUnreachable, match="broke off at 5,000 of 16,384 bytes"):
        transfer.download(url, tmp_path / "blob", len(CONTENT), DIGEST)
    assert not (tmp_path / "blob").exists()

    transfer.download(url, tmp_path / "blob", len(CONTENT), DIGEST)
    assert (tmp_path / "blob").read_bytes() == CONTENT
    assert hub.ranges_asked_of_store() == ["bytes=0-", "bytes=5000-"]


def test_content_other_than_announced_is_thrown_away(hub, url: str, tmp_path: Path) -> None:
    hub.files["model.safetensors"] = CONTENT[::-1]
    with pytest.raises(FetchError, match="is not what the hub announced"):
        transfer.download(url, tmp_path / "blob", len(CONTENT), DIGEST)
    assert list(tmp_path.iterdir()) == []


def test_bytes_left_by_an_earlier_attempt_count_only_if_the_whole_is_right(hub, url: str, tmp_path: Path) -> None:
    (tmp_path / "blob.partial").write_bytes(b"\xff" * 100)
    with pytest.raises(FetchError, match="fetch it again"):
        transfer.download(url, tmp_path / "blob", len(CONTENT), DIGEST)
    transfer.download(url, tmp_path / "blob", len(CONTENT), DIGEST)
    assert (tmp_path / "blob").read_bytes() == CONTENT
