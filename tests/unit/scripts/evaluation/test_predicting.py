"""Files become predictions in their order; what fails keeps its place."""

from dataclasses import replace

import pytest

from evaluation.labelled_files import of_folder
from evaluation.predicting import UNREADABLE_FILE, predict
from evaluation.prediction import EvaluationError, classes_of, probabilities_of, scored
from evaluation.scorers import CheckpointScorer


@pytest.fixture(scope="module")
def scorer(trained_checkpoint):
    return CheckpointScorer(trained_checkpoint)


def test_a_trained_model_predicts_the_labels_of_its_pictures(scorer, class_folders):
    predictions = predict(of_folder(class_folders), scorer)
    fine = scored(predictions)
    assert len(fine) == 60
    assert (probabilities_of(fine).argmax(axis=1) == classes_of(fine)).mean() > 0.9
    assert {(one.format, one.width, one.height) for one in fine} == {("PNG", 96, 96)}


def test_predictions_are_the_same_whatever_the_batch_and_progress_counts_every_file(scorer, class_folders):
    files, done = of_folder(class_folders), []
    assert predict(files, scorer, done.append, batch_images=7) == predict(files, scorer)
    assert sum(done) == len(files) == 61


def test_a_broken_and_a_missing_file_keep_their_places_with_a_code(scorer, class_folders):
    files = of_folder(class_folders)
    gone = replace(files[0], path=class_folders / "gone.png")
    broken = next(file for file in files if file.name.endswith("broken.jpg"))
    first, second, third = predict([files[1], gone, broken], scorer)
    assert first.scores is not None
    assert (second.scores, second.error, third.scores, third.error) == (None, UNREADABLE_FILE, None, "corrupt_image")


def test_a_file_that_changed_since_it_was_indexed_is_refused(scorer, class_folders):
    changed = replace(of_folder(class_folders)[0], sha256="0" * 64)
    with pytest.raises(EvaluationError, match="has changed since"):
        predict([changed], scorer)


def test_a_folder_without_class_folders_is_refused(tmp_path):
    with pytest.raises(EvaluationError, match="no folder for each class"):
        of_folder(tmp_path)


def test_a_scorer_says_what_it_is(scorer, trained_checkpoint):
    assert scorer.describe() | {"sha256": ..., "fingerprint": ...} == {
        "scored_by": "checkpoint",
        "source": str(trained_checkpoint),
        "device": scorer.describe()["device"],
        "name": "nsfw",
        "version": "local",
        "checkpoint": "trained-in-a-test",
        "sha256": ...,
        "weights": "trained",
        "engine": "torch",
        "precision": "fp32",
        "temperature": 1.0,
        "fingerprint": ...,
    }
