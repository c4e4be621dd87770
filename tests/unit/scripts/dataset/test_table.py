"""Parquet files and saved data sets: which columns hold image and label, and bytes that are never decoded."""

from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataset.example import DatasetError
from dataset.source_image import Unreadable
from dataset.table import ParquetFiles, SavedDataset
from pictures import encode, picture

PICTURES = [encode(picture(seed), "PNG") for seed in range(5)]
NAMES = ["drawings", "hentai", "neutral", "porn", "sexy"]
LABELS = ["drawing", "hentai", "neutral", "porn", "sexy"]
FEATURES = datasets.Features(
    {"id": datasets.Value("int64"), "picture": datasets.Image(), "kind": datasets.ClassLabel(names=NAMES)}
)


def dataset(count: int = 5) -> datasets.Dataset:
    rows = {
        "id": list(range(count)),
        "picture": [{"bytes": content, "path": None} for content in PICTURES[:count]],
        "kind": list(range(count)),
    }
    return datasets.Dataset.from_dict(rows, features=FEATURES)


def test_a_parquet_of_the_hubs_gives_bytes_as_stored_and_the_labels_names(tmp_path: Path) -> None:
    dataset().to_parquet(tmp_path / "train.parquet")
    source = ParquetFiles([tmp_path / "train.parquet"])
    assert len(source) == 5
    assert [image.label for image in source] == LABELS
    assert [image.read() for image in source] == PICTURES
    assert [image.name for image in source][:2] == ["train.parquet/000000", "train.parquet/000001"]


def test_a_plain_parquet_of_bytes_and_texts_is_taken_by_its_columns_names(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": PICTURES[:2], "label": ["Drawings", "porn"]}), tmp_path / "plain.parquet")
    found = [(image.label, image.read()) for image in ParquetFiles([tmp_path / "plain.parquet"])]
    assert found == [("drawing", PICTURES[0]), ("porn", PICTURES[1])]


def test_a_saved_data_set_and_one_of_splits_are_read_whole(tmp_path: Path) -> None:
    dataset().save_to_disk(tmp_path / "one")
    parts = datasets.DatasetDict({"train": dataset(3), "test": dataset(2)})
    parts.save_to_disk(tmp_path / "two")
    one, two = SavedDataset(tmp_path / "one"), SavedDataset(tmp_path / "two")
    assert [(image.label, image.read()) for image in one] == list(zip(LABELS, PICTURES, strict=True))
    assert [image.name for image in two] == [
        "train/000000",
        "train/000001",
        "train/000002",
        "test/000000",
        "test/000001",
    ]
    assert len(two) == 5


def test_a_row_without_an_image_fails_alone(tmp_path: Path) -> None:
    rows = dataset(2).to_dict() | {"picture": [None, {"bytes": PICTURES[1], "path": None}]}
    datasets.Dataset.from_dict(rows, features=FEATURES).save_to_disk(tmp_path / "saved")
    first, second = SavedDataset(tmp_path / "saved")
    with pytest.raises(Unreadable):
        first.read()
    assert second.read() == PICTURES[1]


def test_a_row_without_a_label_is_named(tmp_path: Path) -> None:
    rows = dataset(2).to_dict() | {"kind": [0, None]}
    datasets.Dataset.from_dict(rows, features=FEATURES).to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(DatasetError, match="rows.parquet/000001: label None is none of drawings, hentai"):
        list(ParquetFiles([tmp_path / "rows.parquet"]))


def test_labels_of_another_classification_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})
    datasets.Dataset.from_dict({"image": [], "label": []}, features=features).to_parquet(tmp_path / "pets.parquet")
    with pytest.raises(DatasetError, match="pets.parquet: label 'cat' is no class"):
        ParquetFiles([tmp_path / "pets.parquet"])


@pytest.mark.parametrize(("column", "missing"), [("image", "labels"), ("label", "images")])
def test_a_table_without_images_or_labels_says_what_it_has(column: str, missing: str, tmp_path: Path) -> None:
    pq.write_table(pa.table({column: ["x"], "other": [1]}), tmp_path / "rows.parquet")
    with pytest.raises(DatasetError, match=f"no column of {missing} among {column}, other"):
        ParquetFiles([tmp_path / "rows.parquet"])


def test_what_is_no_parquet_or_no_data_set_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"not at all")
    with pytest.raises(DatasetError, match="rows.parquet cannot be read as Parquet"):
        ParquetFiles([tmp_path / "rows.parquet"])
    (tmp_path / "dataset_info.json").write_text("{}")
    with pytest.raises(DatasetError, match="is no saved data set"):
        SavedDataset(tmp_path)
