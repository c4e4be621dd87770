"""Class folders, on disk and in zip archives: whose label a file has, and what is refused."""

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from dataset import archive
from dataset.archive import ZipArchives
from dataset.example import DatasetError
from dataset.folder import ImageFolder
from dataset.source_image import Source, Unreadable
from pictures import encode, picture

PICTURE = encode(picture(1), "PNG")


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(PICTURE)
    return root


def zip_of(file: Path, *names: str) -> Path:
    with zipfile.ZipFile(file, "w") as writer:
        for name in names:
            writer.writestr(name, PICTURE)
    return file


def labels(source: Source) -> dict[str, str]:
    assert len(source) == len(list(source))
    return {image.name: image.label for image in source}


LAYOUTS = {
    "class folders": ("drawing/a.png", "porn/b.png"),
    "other spellings": ("Drawings/a.png", "PORN/b.png"),
    "a folder around them": ("nsfw_dataset_v1/drawings/a.png", "nsfw_dataset_v1/porn/b.png"),
    "splits above them": ("train/drawing/a.png", "test/porn/b.png"),
    "folders within them": ("drawing/2024/a.png", "porn/x/y/b.png"),
}


@pytest.mark.parametrize("names", LAYOUTS.values(), ids=LAYOUTS)
def test_the_class_folder_gives_the_label_whatever_lies_above_or_below(names, tmp_path: Path) -> None:
    expected = ["drawing", "porn"]
    on_disk = labels(ImageFolder(folder_of(tmp_path / "disk", *names)))
    zipped = labels(ZipArchives([zip_of(tmp_path / "set.zip", *names)]))
    assert [on_disk[name] for name in names] == expected
    assert [zipped[f"set.zip/{name}"] for name in names] == expected


def test_one_class_alone_is_a_class_and_no_folder_around_others(tmp_path: Path) -> None:
    assert labels(ImageFolder(folder_of(tmp_path, "porn/a.png"))) == {"porn/a.png": "porn"}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_folder_that_is_no_class_is_named(kind: str, tmp_path: Path) -> None:
    names = ("drawing/a.png", "landscapes/b.png")
    with pytest.raises(DatasetError, match="'landscapes' is no class; the five are drawing"):
        if kind == "folder":
            ImageFolder(folder_of(tmp_path, *names))
        else:
            ZipArchives([zip_of(tmp_path / "set.zip", *names)])


def test_an_image_in_no_class_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="stray.png: images must lie in class folders"):
        ImageFolder(folder_of(tmp_path / "disk", "drawing/a.png", "stray.png"))
    with pytest.raises(DatasetError, match="stray.png: images must lie in class folders"):
        ZipArchives([zip_of(tmp_path / "set.zip", "drawing/a.png", "stray.png")])


def test_hidden_files_and_a_readme_beside_the_classes_are_no_images(tmp_path: Path) -> None:
    names = ("drawing/a.png", ".git/b.png", "drawing/.DS_Store", "__MACOSX/drawing/a.png", "README.md")
    assert labels(ImageFolder(folder_of(tmp_path / "disk", *names))) == {"drawing/a.png": "drawing"}
    assert labels(ZipArchives([zip_of(tmp_path / "set.zip", *names)])) == {"set.zip/drawing/a.png": "drawing"}


def test_several_archives_are_one_source_in_the_order_of_their_names(tmp_path: Path) -> None:
    first = zip_of(tmp_path / "1.zip", "porn/b.png", "porn/a.png")
    source = ZipArchives([first, zip_of(tmp_path / "2.zip", "sexy/c.png")])
    assert list(labels(source)) == ["1.zip/porn/a.png", "1.zip/porn/b.png", "2.zip/sexy/c.png"]
    assert [image.read() for image in source] == [PICTURE] * 3


def test_no_image_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no image in class folders"):
        ImageFolder(folder_of(tmp_path / "disk", "README.md"))
    with pytest.raises(DatasetError, match="no image in class folders"):
        ZipArchives([zip_of(tmp_path / "set.zip", "README.md")])


@pytest.mark.parametrize(
    "name", ["../porn/a.png", "porn/../../a.png", "/porn/a.png", "C:/porn/a.png", "porn\\..\\..\\a.png"]
)
def test_an_archive_that_names_places_outside_itself_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="names a place outside the archive"):
        ZipArchives([zip_of(tmp_path / "set.zip", "porn/b.png", name)])


def test_an_archive_with_a_link_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("porn/a.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as writer:
        writer.writestr(link, "/etc/passwd")
    with pytest.raises(DatasetError, match="is a link"):
        ZipArchives([tmp_path / "set.zip"])


def test_an_archive_of_two_members_of_one_name_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        zip_of(tmp_path / "set.zip", "porn/a.png", "porn/a.png")
    with pytest.raises(DatasetError, match="two members of one name"):
        ZipArchives([tmp_path / "set.zip"])


def test_an_archive_that_would_unpack_to_many_times_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "ALWAYS_ALLOWED_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as writer:
        writer.writestr("porn/a.png", bytes(1_000_000))
    with pytest.raises(DatasetError, match=r"unpacked it has 1,000,000 bytes; the limit is \d"):
        ZipArchives([tmp_path / "set.zip"])


def test_a_member_larger_than_any_image_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_IMAGE_BYTES", len(PICTURE) - 1)
    [image] = ZipArchives([zip_of(tmp_path / "set.zip", "porn/a.png")])
    with pytest.raises(Unreadable) as refusal:
        image.read()
    assert refusal.value.code == "file_too_large"


def test_a_member_that_lies_about_its_size_fails_alone(tmp_path: Path) -> None:
    plain = zip_of(tmp_path / "plain.zip", "porn/a.png", "porn/b.png").read_bytes()
    size = struct.pack("<II", len(PICTURE), len(PICTURE))
    directory = plain.index(b"PK\x01\x02")
    lying = plain[:directory] + plain[directory:].replace(size, struct.pack("<II", len(PICTURE), 10), 1)
    (tmp_path / "lying.zip").write_bytes(lying)
    first, second = ZipArchives([tmp_path / "lying.zip"])
    with pytest.raises(Unreadable):
        first.read()
    assert second.read() == PICTURE


def test_a_damaged_member_fails_alone(tmp_path: Path) -> None:
    whole = bytearray(zip_of(tmp_path / "set.zip", "porn/a.png", "porn/b.png").read_bytes())
    whole[whole.index(PICTURE) + 20] ^= 1
    (tmp_path / "set.zip").write_bytes(whole)
    first, second = ZipArchives([tmp_path / "set.zip"])
    with pytest.raises(Unreadable) as refusal:
        first.read()
    assert refusal.value.code == "unreadable"
    assert second.read() == PICTURE


def test_what_is_no_zip_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(PICTURE)
    with pytest.raises(DatasetError, match="set.zip cannot be read as a zip archive"):
        ZipArchives([tmp_path / "set.zip"])


def test_a_file_that_cannot_be_read_says_why_and_names_no_path(tmp_path: Path) -> None:
    root = folder_of(tmp_path, "porn/a.png")
    [image] = ImageFolder(root)
    (root / "porn/a.png").unlink()
    with pytest.raises(Unreadable) as refusal:
        image.read()
    assert (refusal.value.code, refusal.value.message) == ("unreadable", "No such file or directory")
