"""The command: what it finds wrong with a source, what it writes, and that running it again changes nothing."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image, ImageOps

import prepare_data
from dataset import intake
from dataset.example import Example, PreparedDataset
from dataset.verified_cache import CACHE_FILE
from labelled_pictures import labelled_picture, write_labelled
from pictures import every_format, truncated_jpeg
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import LABELS

ROOT = Path(__file__).resolve().parents[3]
LISTS = ("card.json", "card.md", "card.png", "conflicts.csv", "duplicates.csv", "names.csv", "quarantine.csv")
COPIES_OF_EACH = 4


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures of each class."""
    return write_labelled(tmp_path_factory.mktemp("source") / "pictures", 300, seed=11)


@pytest.fixture
def source(pictures: Path, tmp_path: Path) -> Path:
    """A copy of them, to spoil."""
    return shutil.copytree(pictures, tmp_path / "source")


def prepare(source: Path, out: Path, *options: object) -> PreparedDataset:
    assert prepare_data.main([str(source), "--out", str(out), *map(str, options)]) == 0
    return PreparedDataset.read(out)


def card_of(dataset: PreparedDataset) -> dict:
    return json.loads((dataset.folder / "card.json").read_text())


def rows_of(dataset: PreparedDataset, name: str) -> list[dict[str, str]]:
    with (dataset.folder / name).open(newline="") as stream:
        return list(csv.DictReader(stream))


def named(dataset: PreparedDataset) -> dict[str, Example]:
    """Return the examples by their names in the source."""
    by_file = {example.file: example for example in dataset.examples}
    return {row["name"]: by_file[row["file"]] for row in rows_of(dataset, "names.csv")}


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(ROOT / "scripts/prepare_data.py"), *map(str, arguments)]


def environment() -> dict[str, str]:
    roots = os.pathsep.join(str(ROOT / root) for root in ("handler", "scripts"))
    return os.environ | {"PYTHONPATH": roots}


def plant_near_duplicates(source: Path) -> list[list[str]]:
    """Write altered copies of some pictures beside them, and return the names that belong together."""
    groups = []
    for file in sorted(source.glob("*/0000[0-4].*")):
        with Image.open(file) as image:
            alterations = (ImageOps.mirror(image), image.resize((96, 96)), image.convert("L"), image.resize((64, 50)))
            names = [f"{file.parent.name}/{file.name}"]
            for number, altered in enumerate(alterations):
                names.append(f"{file.parent.name}/copy-{number}-{file.stem}.jpg")
                altered.save(source / names[-1], quality=85)
        groups.append(names)
    assert len(groups) == len(LABELS)
    return groups


def test_a_clean_source_gives_five_classes_eighty_ten_ten_and_a_card_without_warnings(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = prepare(pictures, tmp_path / "out")
    card = card_of(dataset)
    assert {split: set(counts.values()) for split, counts in card["counts"].items()} == {
        "train": {48},
        "validation": {6},
        "test": {6},
    }
    assert card["warnings"] == []
    assert card["fingerprint"] == dataset.fingerprint
    assert card["source"] == {"kind": "folder", "name": "pictures", "revision": None, "license": None}
    assert card["preprocessing"] == PreprocessingSpec.parse({"image_processor_type": "ViTImageProcessor"}).record
    assert card["formats"] == {"JPEG": 150, "PNG": 150}
    assert capsys.readouterr().err == ""
    for name, example in named(dataset).items():
        assert dataset.path_of(example).read_bytes() == (pictures / name).read_bytes()
        assert example.label == name.split("/")[0]
        assert example.sha256 in example.file
    assert sorted(file.name for file in dataset.folder.iterdir()) == sorted([CACHE_FILE, *LISTS, "images", "index.csv"])


def test_near_duplicates_share_a_group_and_so_a_split(source: Path, tmp_path: Path) -> None:
    planted = plant_near_duplicates(source)
    dataset = prepare(source, tmp_path / "out")
    examples = named(dataset)
    for names in planted:
        assert len({(examples[name].group, examples[name].split) for name in names}) == 1
    card = card_of(dataset)
    assert card["near_duplicates"]["groups"] >= len(planted)
    assert card["leak"] == {"groups": 0, "images": 0, "copies": 0}


def test_the_naive_split_says_how_much_of_it_leaks(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plant_near_duplicates(source)
    for number in range(20):
        shutil.copy(source / "drawing/00005.jpg", source / f"drawing/again-{number}.jpg")
    dataset = prepare(source, tmp_path / "out", "--naive-split")
    held: dict[int, set[str]] = {}
    for example in dataset.examples:
        held.setdefault(example.group, set()).add(example.split)
    across = sum(len(splits) > 1 for splits in held.values())
    card = card_of(dataset)
    assert card["split"] == {"method": "naive", "seed": 42}
    assert card["leak"]["groups"] == across > 0
    assert card["leak"]["images"] > across
    assert card["leak"]["copies"] > 0
    assert f"warning: The splits leak: {across} groups" in capsys.readouterr().err
    assert "The splits leak" in (dataset.folder / "card.md").read_text()


def test_copies_are_kept_once_and_listed(source: Path, tmp_path: Path) -> None:
    shutil.copy(source / "sexy/00004.png", source / "sexy/later.png")
    dataset = prepare(source, tmp_path / "out")
    assert len(dataset.examples) == 300
    [row] = rows_of(dataset, "duplicates.csv")
    assert (row["name"], row["kept_name"]) == ("sexy/later.png", "sexy/00004.png")
    assert dataset.folder.joinpath(row["kept_file"]).is_file()
    assert card_of(dataset)["conflicts"]["groups"] == 0


def test_swapped_labels_of_near_duplicates_and_of_copies_are_found(source: Path, tmp_path: Path) -> None:
    with Image.open(source / "neutral/00002.png") as image:
        ImageOps.mirror(image).save(source / "porn/swapped.jpg", quality=85)
    shutil.copy(source / "drawing/00000.png", source / "hentai/swapped.png")
    dataset = prepare(source, tmp_path / "out")
    listed = {(row["name"], row["label"]) for row in rows_of(dataset, "conflicts.csv")}
    assert listed == {
        ("neutral/00002.png", "neutral"),
        ("porn/swapped.jpg", "porn"),
        ("drawing/00000.png", "drawing"),
        ("hentai/swapped.png", "hentai"),
    }
    flagged = {name for name, example in named(dataset).items() if example.conflicting}
    assert flagged == {"neutral/00002.png", "porn/swapped.jpg", "drawing/00000.png"}
    card = card_of(dataset)
    assert card["conflicts"] == {"groups": 2, "images": 3, "between": {"drawing and hentai": 1, "neutral and porn": 1}}
    assert "In 2 groups near-duplicates have different labels" in "".join(card["warnings"])


def test_a_missing_class_is_an_error_and_with_leave_a_warning(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(source / "hentai")
    out = tmp_path / "out"
    assert prepare_data.main([str(source), "--out", str(out)]) == 1
    assert "there is no image of class hentai" in capsys.readouterr().err
    assert not (out / "index.csv").exists()
    card = card_of(prepare(source, out, "--allow-missing-class"))
    assert card["missing_classes"] == ["hentai"]
    assert "warning: There is no image of class hentai" in capsys.readouterr().err
    assert card["counts"]["train"]["hentai"] == 0


def test_files_that_cannot_be_decoded_are_set_aside_with_the_service_s_own_code(source: Path, tmp_path: Path) -> None:
    (source / "porn/broken.jpg").write_bytes(truncated_jpeg())
    (source / "porn/notes.txt").write_text("not an image")
    (source / "sexy/empty.png").write_bytes(b"")
    (source / "sexy/gone.png").symlink_to("nowhere")
    dataset = prepare(source, tmp_path / "out")
    found = {row["name"]: row["code"] for row in rows_of(dataset, "quarantine.csv")}
    assert found == {
        "porn/broken.jpg": "corrupt_image",
        "porn/notes.txt": "unsupported_format",
        "sexy/empty.png": "empty_image",
        "sexy/gone.png": "unreadable",
    }
    assert len(dataset.examples) == 300
    assert card_of(dataset)["quarantined"]["images"] == 4


def test_a_file_whose_name_is_no_text_is_taken_all_the_same(source: Path, tmp_path: Path) -> None:
    (source / "porn/00003.png").rename(source / "porn" / os.fsdecode(b"caf\xe9.png"))
    assert "porn/caf\ufffd.png" in named(prepare(source, tmp_path / "out"))


def test_every_format_that_is_served_can_be_learnt_from(source: Path, tmp_path: Path) -> None:
    for number, content in enumerate(every_format().values()):
        (source / f"neutral/served-{number}").write_bytes(content)
    card = card_of(prepare(source, tmp_path / "out"))
    assert card["quarantined"]["images"] == 0
    assert {"JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF"} <= set(card["formats"])


def test_run_again_it_decodes_nothing_and_writes_the_same_bytes(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source / "porn/broken.jpg").write_bytes(truncated_jpeg())
    plant_near_duplicates(source)
    first = prepare(source, tmp_path / "first")
    before = {name: (first.folder / name).read_bytes() for name in ("index.csv", *LISTS)}
    with monkeypatch.context() as patch:
        patch.setattr(intake, "verify", lambda payload: pytest.fail("it was decoded again"))
        prepare(source, tmp_path / "first")
    prepare(source, tmp_path / "second")
    for folder in ("first", "second"):
        assert {name: (tmp_path / folder / name).read_bytes() for name in before} == before


def test_of_a_source_that_changed_only_what_is_new_is_decoded_and_what_is_gone_goes(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(source, tmp_path / "out")
    labelled_picture("neutral", 999).save(source / "neutral/new.png")
    (source / "neutral/00002.png").unlink()
    decoded = []
    verify = intake.verify
    monkeypatch.setattr(intake, "verify", lambda payload: decoded.append(payload) or verify(payload))
    dataset = prepare(source, tmp_path / "out")
    assert decoded == [(source / "neutral/new.png").read_bytes()]
    stored = {file for file in (dataset.folder / "images").rglob("*") if file.is_file()}
    assert stored == {dataset.path_of(example) for example in dataset.examples}
    assert "neutral/00002.png" not in named(dataset)


def test_killed_midway_it_completes_when_run_again_with_the_same_result(pictures: Path, tmp_path: Path) -> None:
    out, straight = tmp_path / "out", tmp_path / "straight"
    with subprocess.Popen(command(pictures, "--out", out), env=environment(), stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            if (out / CACHE_FILE).is_file() and (out / CACHE_FILE).read_bytes().count(b"\n") > 20:
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert not (out / "index.csv").exists()
    prepare(pictures, out)
    prepare(pictures, straight)
    assert (out / "index.csv").read_bytes() == (straight / "index.csv").read_bytes()
    assert not list(out.rglob("*.partial"))


def test_another_seed_is_another_split_of_the_same_groups(pictures: Path, tmp_path: Path) -> None:
    first, second = prepare(pictures, tmp_path / "1"), prepare(pictures, tmp_path / "2", "--seed", 7)
    assert [one.group for one in first.examples] == [one.group for one in second.examples]
    assert [one.split for one in first.examples] != [one.split for one in second.examples]
    assert first.fingerprint != second.fingerprint


@pytest.mark.parametrize("seed", ["-1", "x", "4294967296"])
def test_a_seed_that_is_none_is_told_with_its_limits(seed: str, capsys) -> None:
    with pytest.raises(SystemExit) as end:
        prepare_data.main(["a", "--out", "b", "--seed", seed])
    assert end.value.code == 2
    assert f"{seed} is not a whole number from 0 to 4,294,967,295" in capsys.readouterr().err


def test_the_card_records_the_preprocessing_of_the_checkpoint_that_is_named(
    pictures: Path, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    card = card_of(prepare(pictures, tmp_path / "out", "--preprocessing", tiny_checkpoint))
    assert card["preprocessing"]["fingerprint"] == PreprocessingSpec.load(tiny_checkpoint).fingerprint


def test_too_few_images_are_an_error_that_says_how_many_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_labelled(tmp_path / "few", 20, seed=1)
    assert prepare_data.main([str(tmp_path / "few"), "--out", str(tmp_path / "out")]) == 1
    assert "every class needs at least 10 images" in capsys.readouterr().err
    assert not (tmp_path / "out/index.csv").exists()


@pytest.mark.parametrize("case", ["revision of a folder", "no source", "other folder", "within", "a text file"])
def test_wrong_usage_touches_nothing(
    case: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/diary.txt").write_text("dear diary")
    arguments, words = {
        "revision of a folder": ([pictures, "--out", tmp_path / "out", "--revision", "main"], "on the hub"),
        "no source": (["no/such/place", "--out", tmp_path / "out"], "neither a file or folder here nor"),
        "other folder": ([pictures, "--out", tmp_path / "mine"], "is no data set of this script's"),
        "within": ([tmp_path / "mine", "--out", tmp_path / "mine/out"], "lie within each other"),
        "a text file": ([tmp_path / "mine/diary.txt", "--out", tmp_path / "out"], "neither a .zip nor a .parquet"),
    }[case]
    assert prepare_data.main([str(argument) for argument in arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["diary.txt"]


def test_as_a_command_it_says_what_it_wrote_and_explains_itself(pictures: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        command(pictures, "--out", tmp_path / "out"), env=environment(), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "300 images" in done.stdout
    help_text = subprocess.run(command("--help"), env=environment(), capture_output=True, text=True, check=True).stdout
    assert "--naive-split" in help_text
