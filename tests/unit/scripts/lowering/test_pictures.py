import pytest

from lowering.pictures import PictureFolder
from trust_nsfw.errors import SettingsError


def write(folder, **contents):
    folder.mkdir()
    for name, content in contents.items():
        (folder / name).write_text(content)
    return folder


def test_a_folder_is_read_through_and_copies_count_once(tmp_path):
    folder = write(tmp_path / "a", one="1", two="2", copy="1")
    (folder / "deeper").mkdir()
    (folder / "deeper/three").write_text("3")
    (folder / ".hidden").write_text("4")
    assert sorted(file.name for file in PictureFolder.read(folder).files.values()) == ["copy", "three", "two"]


def test_the_digest_is_of_contents_not_of_names(tmp_path):
    first = PictureFolder.read(write(tmp_path / "a", x="1", y="2"))
    same = PictureFolder.read(write(tmp_path / "b", y="1", z="2"))
    other = PictureFolder.read(write(tmp_path / "c", x="1", y="3"))
    assert first.digest == same.digest != other.digest


def test_pictures_that_were_calibrated_on_are_not_held_out(tmp_path):
    calibration = PictureFolder.read(write(tmp_path / "a", x="1", y="2"))
    gate = PictureFolder.read(write(tmp_path / "b", z="2", w="3"))
    with pytest.raises(SettingsError, match="1 of the pictures in .* are also in .*, z among them"):
        gate.require_held_out(calibration)
    PictureFolder.read(write(tmp_path / "c", v="4")).require_held_out(calibration)


def test_no_folder_and_an_empty_one_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="is not a folder of pictures"):
        PictureFolder.read(tmp_path / "absent")
    with pytest.raises(SettingsError, match="holds no pictures"):
        PictureFolder.read(write(tmp_path / "empty"))
