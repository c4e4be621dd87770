import hashlib
import json
import multiprocessing
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from traffic import mix as mix_module
from traffic.mix import INDEX, Mix, MixSettings, mix_of_folder, open_mix, write_mix
from trust_nsfw.images import decode
from trust_nsfw.settings import Limits

SMALL = MixSettings(seed=3, count=14, bad_share=0.15)  # two bad ones


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def small(folder: Path) -> Mix:
    return open_mix(SMALL, folder)


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def opened_by(folder: Path) -> list[str]:
    return [picture.key for picture in open_mix(MixSettings(count=3), folder).pictures]


def test_pictures_are_good_and_bad_in_the_mixs_proportion(small):
    assert len(small.pictures) == 14
    assert sum(picture.error is not None for picture in small.pictures) == 2
    assert len(small.good) == 12
    assert set(small.good) < set(small.pictures)
    assert {picture for picture in small.pictures if picture.error} < set(small.bad)


def test_a_dozen_good_pictures_hold_every_size_and_format(small):
    summary = small.summary()
    assert set(summary["sizes"]) == {"thumbnail", "web", "hd", "camera"}
    assert set(summary["formats"]) == {"JPEG", "PNG", "WEBP"}
    assert max(small.sides_px.values(), key=lambda size: size[0] * size[1]) in {(4000, 3000), (3000, 4000)}


def test_files_weigh_what_such_pictures_weigh(small):
    for picture in small.good:
        if picture.media_type == "image/jpeg":
            megapixels = sides_product(small, picture.key) / 1e6
            kilobytes = len(picture.payload) / 1e3
            least, most = (1_200, 4_500) if megapixels == 12 else (80 * megapixels, 100 + 350 * megapixels)
            assert least < kilobytes < most, picture.key


def sides_product(mix: Mix, key: str) -> int:
    width, height = mix.sides_px[key]
    return width * height


def test_every_good_picture_is_one_for_the_service_and_has_the_size_that_the_mix_says(small):
    for picture in small.good:
        decoded = decode(picture.payload, Limits(), (224, 224))
        assert (decoded.width, decoded.height) == small.sides_px[picture.key]
        assert Image.MIME[decoded.format] == picture.media_type
        assert list(decoded.views)


def test_keys_are_unique_and_differ_between_seeds(small, folder):
    keys = {picture.key for picture in (*small.good, *small.bad)}
    assert len(keys) == len(small.good) + len(small.bad)
    other = open_mix(MixSettings(seed=4, count=4), folder)
    assert not keys & {picture.key for picture in other.good}


def test_the_same_settings_give_the_same_bytes_anywhere(small, folder, tmp_path):
    write_mix(SMALL, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(folder / SMALL.key)


def test_what_is_kept_is_read_and_not_made_again(small, folder, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mix_module, "render", None)
    assert open_mix(SMALL, folder) == small


def test_other_settings_are_another_mix():
    keys = {MixSettings().key, MixSettings(seed=1).key, MixSettings(count=49).key, MixSettings(bad_share=0.03).key}
    assert len(keys) == 4


def test_the_index_says_of_each_file_what_must_come_back(small, folder):
    entries = json.loads((folder / SMALL.key / INDEX).read_text())["pictures"]
    assert [set(entry) for entry in entries] == [{"file", "key", "media_type", "error", "width", "height"}] * len(
        entries
    )
    assert {entry["key"]: entry["error"] for entry in entries} == {
        picture.key: picture.error for picture in (*small.good, *small.bad)
    }


def test_processes_that_ask_at_once_get_the_same_whole_mix(tmp_path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        first, *others = pool.map(opened_by, [tmp_path] * 3)
    assert len(first) == 3
    assert others == [first, first]
    assert [file.name for file in tmp_path.iterdir()] == [MixSettings(count=3).key]


def test_what_a_killed_writer_left_is_no_mix_and_does_not_stay(tmp_path):
    settings = MixSettings(count=2)
    unfinished = tmp_path / f".{settings.key}.unfinished"
    unfinished.mkdir()
    (unfinished / "half.jpg").write_bytes(b"\xff\xd8")
    mix = open_mix(settings, tmp_path)
    assert len(mix.good) == 2
    assert [file.name for file in tmp_path.iterdir()] == [settings.key]


def test_no_bad_share_leaves_the_bad_files_to_whoever_sends_them_on_purpose(folder):
    mix = open_mix(MixSettings(count=3, bad_share=0), folder)
    assert set(mix.pictures) == set(mix.good)
    assert mix.bad


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"count": 0}, "leave no good one"), ({"count": 2, "bad_share": 0.9}, "2 pictures, 0.9 of them bad"),
     ({"bad_share": 1.5}, "1.5 is not between"), ({"bad_share": -0.1}, "-0.1 is not between"),
     ({"seed": -1}, "-1 is below")],
)  # fmt: skip
def test_settings_of_no_mix_are_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        MixSettings(**settings)


def test_the_summary_is_plain_json(small):
    summary = small.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["seed"] == 3
    assert summary["source"] == "generated"
    assert (summary["count"], summary["bad"]) == (14, 2)
    assert sum(each["count"] for each in summary["sizes"].values()) == sum(summary["formats"].values()) == 12
    assert summary["mean_kB"] == pytest.approx(sum(len(each.payload) for each in small.good) / 12_000, abs=0.1)


def encoded(kind: str, size: tuple[int, int] = (40, 30), **options: object) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, "teal").save(buffer, kind, **options)
    return buffer.getvalue()


def test_a_folder_of_ones_own_gives_its_pictures_by_name(tmp_path):
    for name, payload in (
        ("b.png", encoded("PNG")),
        ("a.jpeg", encoded("JPEG")),
        ("c.webp", encoded("WEBP")),
        (".x", b""),
    ):
        (tmp_path / name).write_bytes(payload)
    (tmp_path / "more").mkdir()
    mix = mix_of_folder(tmp_path)
    assert [picture.key.partition("-")[0] for picture in mix.good] == ["a", "b", "c"]
    assert [picture.media_type for picture in mix.good] == ["image/jpeg", "image/png", "image/webp"]
    assert mix.bad == ()
    assert mix.pictures == mix.good
    assert mix.summary()["seed"] is None
    assert mix.summary()["sizes"] == {"thumbnail": {"count": 3, "mean_kB": mix.summary()["mean_kB"]}}


def test_a_turned_picture_of_ones_own_is_as_large_as_it_is_shown(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG", exif=exif.tobytes()))
    assert [*mix_of_folder(tmp_path).sides_px.values()] == [(30, 40)]


def test_a_phones_jpeg_of_two_pictures_is_a_jpeg(tmp_path):
    several = encoded("MPO", save_all=True, append_images=[Image.new("RGB", (40, 30), "red")])
    (tmp_path / "a.jpg").write_bytes(several)
    [picture] = mix_of_folder(tmp_path).good
    assert (picture.media_type, picture.payload) == ("image/jpeg", several)


def test_two_names_of_the_same_bytes_are_two_pictures(tmp_path):
    for name in ("a.jpg", "a.jpeg"):
        (tmp_path / name).write_bytes(encoded("JPEG"))
    mix = mix_of_folder(tmp_path)
    assert len(mix.good) == 2
    assert mix.summary()["count"] == 2


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (encoded("GIF"), "unsupported_format"),
        (b"words", "unsupported_format"),
        (b"", "empty_image"),
        (encoded("PNG")[:20], "corrupt_image"),
        (encoded("JPEG", (400, 300))[:-900], "corrupt_image"),
        (encoded("PNG", (16_385, 1)), "image_too_large"),
    ],
)
def test_a_file_that_the_service_would_refuse_is_refused_by_name_and_code(tmp_path, payload, code):
    (tmp_path / "odd.jpg").write_bytes(payload)
    with pytest.raises(ValueError, match=rf"odd\.jpg is no JPEG, PNG or WebP that the service scores: {code}"):
        mix_of_folder(tmp_path)


def test_a_picture_knows_its_size_and_how_many_model_inputs_it_makes(tmp_path, small):
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue", "teal")] * 3
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    Image.new("RGBA", (40, 30), (0, 99, 0, 99)).save(tmp_path / "b.png")
    (tmp_path / "c.jpg").write_bytes(encoded("JPEG"))
    pictures = mix_of_folder(tmp_path).good
    assert [picture.inputs for picture in pictures] == [8, 2, 1]
    assert {picture.size_px for picture in pictures} == {(40, 30)}
    for picture in small.good:
        assert picture.size_px == small.sides_px[picture.key]
        assert picture.inputs >= len(list(decode(picture.payload, Limits(), (224, 224)).views))


def test_an_empty_folder_is_no_mix(tmp_path):
    with pytest.raises(ValueError, match="holds no picture"):
        mix_of_folder(tmp_path)


def test_a_written_mix_is_read_with_its_bad_files(small, folder):
    assert mix_of_folder(folder / SMALL.key) == small
