"""What the user names -> which images, in which order."""

from pathlib import Path

import pytest

from trust_nsfw.cli.errors import CommandError
from trust_nsfw.cli.files import Picture, find, find_one


def paths(*arguments: str) -> list[str]:
    return [picture.path for picture in find(arguments).pictures]


def test_a_folder_gives_its_images_recursively_and_sorted_and_counts_the_rest(tree):
    found = find(["tree"])
    assert [picture.path for picture in found.pictures] == [
        "tree/a.jpg",
        "tree/b.PNG",
        "tree/corrupt.jpg",
        "tree/deep/er/c.webp",
    ]
    assert found.others == 1


def test_a_named_file_is_taken_whatever_its_name_and_arguments_keep_their_order(tree):
    assert paths("tree/notes.txt", "tree/b.PNG", "tree/a.jpg") == ["tree/notes.txt", "tree/b.PNG", "tree/a.jpg"]


def test_no_image_is_taken_twice(tree):
    assert paths("tree/a.jpg", "./tree/a.jpg", "tree", "tree/deep").count("tree/a.jpg") == 1
    assert len(paths("tree", "tree/deep", ".")) == 4


def test_a_pattern_that_the_shell_left_alone_is_expanded(tree):
    assert paths("tree/*.jpg") == ["tree/a.jpg", "tree/corrupt.jpg"]
    assert paths("**/*.webp") == ["tree/deep/er/c.webp"]
    assert paths(str(tree / "tree/d*")) == [str(tree / "tree/deep/er/c.webp")]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tree):
    (tree / "tree/[ab].jpg").write_bytes(b"x")
    assert paths("tree/[ab].jpg") == ["tree/[ab].jpg"]


def test_links_to_folders_are_not_followed_but_a_broken_link_is_not_lost(tree):
    (tree / "tree/circle").symlink_to(".")
    (tree / "tree/gone.jpg").symlink_to("nowhere.jpg")
    assert paths("tree").count("tree/gone.jpg") == 1
    assert len(paths("tree")) == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no such file or folder: nowhere"),
        (["tree", "*.nothing"], r"no such file or folder: \*.nothing"),
        (["-", "tree", "-"], "- stands for stdin and can be given only once"),
        (["empty"], "no images in empty; a folder's are known by their extension"),
        (["texts", "empty"], "no images in texts, empty among 2 files; a folder's"),
    ],
)
def test_what_cannot_be_meant_is_said(tree, arguments, message):
    (tree / "empty").mkdir()
    (tree / "texts").mkdir()
    (tree / "texts/one.txt").touch()
    (tree / "texts/jpg").touch()
    with pytest.raises(CommandError, match=message):
        find(arguments)


def test_a_folder_that_cannot_be_read_is_an_error_not_an_empty_folder(tree, monkeypatch):
    import os

    def refusing(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(CommandError, match="^tree can't be read: Permission denied$"):
        find(["tree"])


def test_stdin_is_read_but_not_from_a_terminal(tree, pipe, monkeypatch):
    pipe(b"image")
    assert find(["-"]).pictures == (Picture("-", b"image"),)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    with pytest.raises(CommandError, match="pipe or redirect"):
        find(["-"])


def test_one_image_is_a_file_or_stdin(tree, pipe):
    pipe(b"image")
    assert find_one("-") == Picture("-", b"image")
    assert find_one("tree/a.jpg") == Picture("tree/a.jpg", Path("tree/a.jpg"))
    with pytest.raises(CommandError, match="no such file: nowhere"):
        find_one("nowhere")
    with pytest.raises(CommandError, match="tree is a folder; one image is needed"):
        find_one("tree")
