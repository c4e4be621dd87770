"""The command from end to end: what is planted in an evaluation is found, and nothing is shown that should not be."""

import csv
import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import audit_errors
import evaluate
import trained_vit
from dataset.example import Example, PreparedDataset, index_csv
from dataset.signature import Signature
from trust_nsfw.schema import LABELS

SIDE_PX = 96
SWAPPED = {"drawing/030.png": "porn", "porn/033.png": "drawing", "neutral/031.png": "hentai"}
"""Files that lie in the folder of one class and show another."""


def picture(index: int, seed: int = 21) -> Image.Image:
    """Return what the trained model knows, over a large pattern of its own: noise alone has no perceptual hash."""
    pixels = trained_vit.picture(index, seed).astype(float)
    random = np.random.default_rng((seed, index, 1))
    pattern = Image.fromarray(random.integers(0, 255, (5, 5), dtype=np.uint8)).resize(
        (32, 32), Image.Resampling.BICUBIC
    )
    pixels += (np.asarray(pattern, dtype=float)[..., None] - 128) * 0.35
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return image.resize((SIDE_PX, SIDE_PX), Image.Resampling.NEAREST)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """Sixty pictures: half in training, half in the test split, where one shares a group with a training picture."""
    folder = tmp_path_factory.mktemp("data") / "prepared"
    (folder / "images").mkdir(parents=True)
    examples = []
    for index in range(60):
        file = folder / f"images/{index:03}.png"
        image = picture(index, seed=22)
        image.save(file)
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        split, group = ("train" if index < 30 else "test"), 7 if index == 40 else index
        phash = Signature.of(image).perceptual_hash
        label = LABELS[index % 5]
        examples.append(Example(f"images/{index:03}.png", label, split, group, sha256, "PNG", 96, 96, phash, False))
    (folder / "index.csv").write_text(index_csv(examples))
    return folder


@pytest.fixture(scope="module")
def photos(prepared, tmp_path_factory) -> Path:
    """Class folders with three swapped labels, and three twins of training pictures, one of them mirrored."""
    folder = tmp_path_factory.mktemp("photos") / "<b>photos"
    for index in range(60):
        name = next((name for name in SWAPPED if Path(name).stem == f"{index:03}"), None)
        label = Path(name).parent.name if name else LABELS[index % 5]
        image = picture(LABELS.index(SWAPPED[name]) + 100 if name else index)
        file = folder / label / f"{index:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file)
    data = PreparedDataset.read(prepared)
    for number, example in enumerate(data.of_split("train")[:2]):
        with Image.open(data.path_of(example)) as image:
            twin = ImageOps.mirror(image) if number else image.resize((70, 70))
            twin.save(folder / example.label / f"twin{number}.jpg", quality=90)
    same = data.of_split("train")[7]
    shutil.copy(data.path_of(same), folder / same.label / "same.png")
    (folder / "porn/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no more than a beginning")
    return folder


def evaluated(model: Path, out: Path, *data: str) -> Path:
    assert evaluate.main(["--model", str(model), *data, "--no-robustness", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def audit(trained_checkpoint, photos, prepared, tmp_path_factory) -> Path:
    evaluation = evaluated(trained_checkpoint, tmp_path_factory.mktemp("evaluations") / "mine", "--images", str(photos))
    assert audit_errors.main([str(evaluation), "--data", str(prepared)]) == 0
    return evaluation.with_name("mine.audit")


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open() as stream:
        return list(csv.DictReader(stream))


def test_swapped_labels_are_suspect_and_named_as_what_they_show(audit):
    found = {row["file"]: row["likely_label"] for row in rows_of(audit / "label_errors.csv")}
    assert found.items() >= SWAPPED.items()
    assert len(found) <= len(SWAPPED) + 4


def test_false_negatives_and_positives_are_there_with_their_confidence(audit):
    rows = rows_of(audit / "errors.csv")
    by_kind = {(row["kind"], row["file"]) for row in rows}
    assert by_kind >= {("missed", "porn/033.png"), ("blurred", "drawing/030.png"), ("blurred", "neutral/031.png")}
    for kind in {row["kind"] for row in rows}:
        of_kind = [row for row in rows if row["kind"] == kind]
        assert [int(row["rank"]) for row in of_kind] == list(range(1, len(of_kind) + 1))
        confidences = [float(row["confidence"]) for row in of_kind]
        assert confidences == sorted(confidences, reverse=True)
    assert next(row for row in rows if row["file"] == "porn/033.png")["likely_label"] == "drawing"


def test_twins_of_training_pictures_are_found_on_another_folder(audit):
    found = {Path(row["file"]).name: row for row in rows_of(audit / "near_duplicates.csv")}
    assert set(found) == {"twin0.jpg", "twin1.jpg", "same.png"}
    assert found["same.png"]["how"] == "same bytes"
    assert {found[f"twin{number}.jpg"]["how"] for number in range(2)} == {"alike"}
    assert all(row["training_file"].startswith("images/") for row in found.values())


def test_the_record_agrees_with_the_tables(audit):
    record = json.loads((audit / "audit.json").read_text())
    errors = rows_of(audit / "errors.csv")
    assert record["images"] == 63
    assert record["mistakes"] == len(errors)
    assert {kind: one["hits"] for kind, one in record["kinds"].items()} == {
        kind: sum(row["kind"] == kind for row in errors) for kind in record["kinds"]
    }
    assert record["label_errors"]["images"] == len(rows_of(audit / "label_errors.csv"))
    assert record["near_duplicates_of_training"]["images"] == 3
    assert {one["column"] for one in record["slices"]} == {
        *("format", "longer side", "aspect", "brightness", "colourfulness", "looks")
    }
    assert record["policy"]["name"] == "default"
    assert "1 of 64 images could not be scored" in record["warnings"][0]


def test_the_page_needs_nothing_else_and_no_name_becomes_markup(audit):
    report = (audit / "report.html").read_text()
    bare = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "data:", report)
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)|url\(|@import|https?://|<script|<link""", bare)
    assert "&lt;b&gt;photos" in report
    assert "<b>photos" not in report


def test_nothing_is_sharp_whose_label_or_likely_label_is_not_safe(audit, photos, prepared, tmp_path):
    """A missed porn image is 8 x 8 blurred pixels in its sheet, and sharp with --show."""
    shown = tmp_path / "shown"
    evaluation = audit.with_name("mine")
    assert audit_errors.main([str(evaluation), "--data", str(prepared), "--show", "--out", str(shown)]) == 0
    for name in ("missed", "label_errors", "blurred"):
        hidden, revealed = (_sharpness(folder / f"{name}.png") for folder in (audit, shown))
        assert hidden < 0.8 * revealed, name


def _sharpness(file: Path) -> float:
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("L"), dtype=float)
    return float(np.abs(np.diff(pixels, axis=1)).mean())


def test_a_split_of_the_data_set_itself_uses_its_groups(trained_checkpoint, prepared, tmp_path):
    evaluation = evaluated(trained_checkpoint, tmp_path / "test", "--data", str(prepared))
    assert audit_errors.main([str(evaluation), "--data", str(prepared), "--policy", "strict"]) == 0
    (row,) = rows_of(tmp_path / "test.audit/near_duplicates.csv")
    assert (row["file"], row["training_file"], row["how"]) == ("images/040.png", "images/007.png", "same group")
    assert json.loads((tmp_path / "test.audit/audit.json").read_text())["policy"]["name"] == "strict"


def test_training_images_are_audited_for_their_labels_only(trained_checkpoint, prepared, tmp_path, capsys):
    evaluation = evaluated(trained_checkpoint, tmp_path / "known", "--data", str(prepared), "--split", "train")
    assert audit_errors.main([str(evaluation), "--data", str(prepared)]) == 0
    record = json.loads((tmp_path / "known.audit/audit.json").read_text())
    assert record["near_duplicates_of_training"] is None
    assert "These are training images" in capsys.readouterr().err


def test_two_audits_of_the_same_are_the_same(audit, prepared, tmp_path):
    again = tmp_path / "again"
    assert audit_errors.main([str(audit.with_name("mine")), "--data", str(prepared), "--out", str(again)]) == 0
    assert sorted(file.name for file in again.iterdir()) == sorted(file.name for file in audit.iterdir())
    for file in again.iterdir():
        assert file.read_bytes() == (audit / file.name).read_bytes(), file.name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere", "--data", "DATA"], "predictions.jsonl cannot be read"),
        (["EVALUATION", "--data", "nowhere"], "nowhere has no index.csv"),
        (["EVALUATION", "--data", "DATA", "--images", "DATA"], "is not there; name the evaluated images' folder"),
        (["EVALUATION", "--data", "DATA", "--policy", "mild"], "no policy is named 'mild'"),
        (["EVALUATION", "--data", "DATA", "--out", "DATA"], "is no earlier audit"),
    ],
)
def test_what_cannot_be_audited_ends_with_1_and_a_sentence(audit, prepared, capsys, arguments, message):
    places = {"DATA": str(prepared), "EVALUATION": str(audit.with_name("mine"))}
    assert audit_errors.main([places.get(one, one) for one in arguments]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.startswith("audit_errors: ")


def test_an_image_that_has_changed_since_is_refused(audit, photos, prepared, tmp_path, capsys):
    changed = Path(shutil.copytree(photos, tmp_path / "photos"))
    picture(3).save(changed / "neutral/002.png")
    assert audit_errors.main([str(audit.with_name("mine")), "--data", str(prepared), "--images", str(changed)]) == 1
    assert "is not the image that was evaluated" in capsys.readouterr().err


def test_wrong_usage_ends_with_2():
    with pytest.raises(SystemExit) as end:
        audit_errors.main(["somewhere"])
    assert end.value.code == 2
