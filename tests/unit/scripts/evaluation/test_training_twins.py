"""Which evaluated pictures a model knows from its training, and what is said where nobody knows."""

import json
from pathlib import Path

import pytest
from PIL import Image

import prepare_data
from dataset.example import PreparedDataset
from evaluation.prediction import Prediction
from evaluation.training_twins import TrainingTwins, fingerprint_learned
from labelled_pictures import labelled_picture, write_labelled

SCORES = {"drawing": 0.0, "hentai": 0.0, "neutral": 1.0, "porn": 0.0, "sexy": 0.0}
OURS, OTHERS = "a" * 64, "b" * 64


def predicted(name: str, group: int | None = None) -> Prediction:
    return Prediction(name, "neutral", SCORES, None, "", "PNG", 64, 64, group)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    folder = tmp_path_factory.mktemp("learned")
    assert prepare_data.main([str(write_labelled(folder / "raw", 50, seed=3)), "--out", str(folder / "data")]) == 0
    return PreparedDataset.read(folder / "data")


def test_twins_are_found_in_any_training_set_whatever_the_evaluated_pictures_are_of(learned, tmp_path: Path):
    one, other = (example for example in learned.of_split("train")[:2])
    (tmp_path / "same.png").write_bytes(learned.path_of(one).read_bytes())
    labelled_picture("neutral", 99).save(tmp_path / "new.png")
    with_loss = tmp_path / "again.jpg"
    with Image.open(learned.path_of(other)) as image:
        image.convert("RGB").resize((90, 90)).save(with_loss, quality=70)
    names = ("same.png", "new.png", "again.jpg")
    found = TrainingTwins.in_training_data(
        [predicted(name) for name in names], {name: tmp_path / name for name in names}, learned, None, None
    )
    assert found.places == {0, 2}
    assert not found.is_doubtful
    assert str(learned.folder) in found.basis
    wrong_set = TrainingTwins.in_training_data([], {}, learned, None, OTHERS)
    assert wrong_set.is_doubtful
    assert "says it was trained on other data (bbbbbbbbbbbb)" in wrong_set.basis


def test_a_data_sets_own_groups_count_only_for_a_model_that_learned_from_it():
    predictions = [predicted("a", 1), predicted("b", 2)]
    for says, doubtful in ((OURS, False), (OURS[:12], False), (None, False)):
        found = TrainingTwins.in_own_data(predictions, "test", frozenset({2, 9}), OURS, says)
        assert (found.places, found.is_doubtful) == ({1}, doubtful)
    assert "does not say what it was trained on" in found.basis
    found = TrainingTwins.in_own_data(predictions, "test", frozenset({2, 9}), OURS, OTHERS)
    assert (found.places, found.is_doubtful) == (None, True)
    assert "not known" in found.basis
    assert "--trained-on" in found.basis


def test_training_images_are_all_known():
    found = TrainingTwins.in_own_data([predicted("a", 1), predicted("b", 2)], "train", frozenset({1, 2}), OURS, OURS)
    assert found.places == {0, 1}


def test_what_a_model_learned_from_is_in_its_run_card_or_its_revision(tmp_path: Path):
    assert fingerprint_learned(tmp_path, None) is None
    assert fingerprint_learned(None, "0123456789abcdef0123456789abcdef01234567") is None
    assert fingerprint_learned(None, OURS[:12]) == OURS[:12]
    (tmp_path / "run_card.json").write_text(json.dumps({"data": {"fingerprint": OTHERS}}))
    assert fingerprint_learned(tmp_path, OURS[:12]) == OTHERS
