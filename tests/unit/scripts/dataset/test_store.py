"""Where images lie: linked where that is possible, copied where not, and nothing left behind."""

import os
from pathlib import Path

import pytest

from dataset.store import ImageStore


def test_an_image_with_a_file_of_its_own_is_linked_and_one_without_is_written(tmp_path: Path) -> None:
    original = tmp_path / "photo.jpg"
    original.write_bytes(b"bytes")
    store = ImageStore(tmp_path / "set")
    store.put("images/ab/abc.jpg", b"bytes", original)
    store.put("images/cd/cde.jpg", b"other", None)
    assert (tmp_path / "set/images/ab/abc.jpg").samefile(original)
    assert (tmp_path / "set/images/cd/cde.jpg").read_bytes() == b"other"


def test_where_the_disk_has_no_links_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "photo.jpg").write_bytes(b"bytes")
    ImageStore(tmp_path).put("images/ab/abc.jpg", b"bytes", tmp_path / "photo.jpg")
    assert (tmp_path / "images/ab/abc.jpg").read_bytes() == b"bytes"
    assert not (tmp_path / "images/ab/abc.jpg").samefile(tmp_path / "photo.jpg")


def test_a_link_to_an_image_is_followed(tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"bytes")
    (tmp_path / "photo.jpg").symlink_to("blob")
    ImageStore(tmp_path).put("images/ab/abc.jpg", b"bytes", tmp_path / "photo.jpg")
    assert not (tmp_path / "images/ab/abc.jpg").is_symlink()


def test_what_was_cut_short_is_written_again_and_what_is_no_longer_wanted_goes(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    for name in ("images/ab/abc.jpg", "images/ab/old.jpg"):
        store.put(name, b"byt", None)
    (tmp_path / "images/ab/.abc.jpg.7.partial").write_bytes(b"b")
    store.put("images/ab/abc.jpg", b"bytes", None)
    store.remove_others({"images/ab/abc.jpg"})
    assert [file.name for file in (tmp_path / "images").rglob("*") if file.is_file()] == ["abc.jpg"]
    assert (tmp_path / "images/ab/abc.jpg").read_bytes() == b"bytes"


def test_a_file_of_the_same_size_with_other_bytes_is_written_again(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    store.put("images/ab/abc.jpg", b"rotten", None)
    store.put("images/ab/abc.jpg", b"a good", None)
    assert (tmp_path / "images/ab/abc.jpg").read_bytes() == b"a good"
