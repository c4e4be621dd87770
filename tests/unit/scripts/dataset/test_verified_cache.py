"""What is remembered of verified images, and when it is not believed."""

import json
from pathlib import Path

import pytest

from dataset import verified_cache
from dataset.verification import Refused, Verified, verify
from dataset.verified_cache import CACHE_FILE, VerifiedCache
from pictures import every_format, huge_png, truncated_jpeg

GOOD = verify(every_format()["JPEG"])
BAD = Refused("corrupt_image", "no")


def remembered(folder: Path) -> VerifiedCache:
    with VerifiedCache(folder) as cache:
        cache.add("aa", GOOD)
        cache.add("bb", BAD)
    return VerifiedCache(folder)


def test_results_come_back_as_they_were(tmp_path: Path) -> None:
    cache = remembered(tmp_path)
    assert (cache.get("aa"), cache.get("bb"), cache.get("cc")) == (GOOD, BAD, None)


def test_what_this_machine_had_no_memory_for_is_tried_again(tmp_path: Path) -> None:
    with VerifiedCache(tmp_path) as cache:
        cache.add("aa", Refused("internal", "there is not enough memory for this image"))
    assert VerifiedCache(tmp_path).get("aa") is None


def test_a_torn_last_line_is_dropped_and_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    remembered(tmp_path)
    file = tmp_path / CACHE_FILE
    file.write_bytes(file.read_bytes()[:-7])
    with VerifiedCache(tmp_path) as cache:
        assert (cache.get("aa"), cache.get("bb")) == (GOOD, None)
        cache.add("cc", BAD)
    assert [VerifiedCache(tmp_path).get(name) for name in ("aa", "bb", "cc")] == [GOOD, None, BAD]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]\n", b'{"version": 1}\n', b"null\n{}\n"])
def test_a_file_of_something_else_is_an_empty_cache(content: bytes, tmp_path: Path) -> None:
    (tmp_path / CACHE_FILE).write_bytes(content)
    with VerifiedCache(tmp_path) as cache:
        assert cache.get("aa") is None
        cache.add("aa", GOOD)
    assert VerifiedCache(tmp_path).get("aa") == GOOD


def test_results_of_another_decoder_are_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered(tmp_path)
    monkeypatch.setattr(verified_cache, "version", lambda name: "99")
    assert VerifiedCache(tmp_path).get("aa") is None


def test_the_file_is_lines_that_name_their_image(tmp_path: Path) -> None:
    remembered(tmp_path)
    _, *lines = (tmp_path / CACHE_FILE).read_text().splitlines()
    assert [json.loads(line)["sha256"] for line in lines] == ["aa", "bb"]


@pytest.mark.parametrize("kind", every_format())
def test_every_served_format_is_verified_with_its_size_as_shown(kind: str) -> None:
    found = verify(every_format()[kind])
    assert isinstance(found, Verified)
    assert min(found.width, found.height) > 0
    assert len(found.signature.perceptual_hash) == 16


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "empty_image"),
        (b"hello", "unsupported_format"),
        (truncated_jpeg(), "corrupt_image"),
        (huge_png(), "image_too_large"),
    ],
    ids=["empty", "text", "truncated", "huge"],
)
def test_what_the_service_would_refuse_is_refused_with_its_code(payload: bytes, code: str) -> None:
    found = verify(payload)
    assert isinstance(found, Refused)
    assert found.code == code
