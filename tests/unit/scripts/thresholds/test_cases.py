import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.prediction import EvaluationError, write_predictions
from labelled_scores import prediction, unscored
from thresholds.cases import Cases


def test_scores_are_the_published_numbers_in_millionths():
    cases = Cases.of([prediction("porn", porn=0.1, hentai=0.2, sexy=0.3), unscored("sexy")])
    assert (cases.explicit[0], cases.sexy[0], cases.nsfw[0]) == (300_000, 300_000, 600_000)
    assert cases.unscored.tolist() == [False, True]
    assert cases.are("porn", "sexy").tolist() == [True, True]


def test_an_image_without_near_duplicates_known_is_a_group_of_its_own():
    cases = Cases.of([prediction("porn", group) for group in (7, None, 7, None, 9)])
    assert len(np.unique(cases.groups)) == 4
    assert cases.groups[0] == cases.groups[2]


def test_scores_that_are_no_probabilities_name_the_image():
    with pytest.raises(EvaluationError, match="odd.png"):
        Cases.of([prediction("porn", file="odd.png", porn=0.5, neutral=0.1)])


def test_weights_beside_the_predictions_are_used(tmp_path: Path):
    write_predictions(tmp_path / "predictions.jsonl", [prediction("porn"), prediction("sexy")])
    assert Cases.read(tmp_path).weights.tolist() == [1, 1]
    (tmp_path / "weights.json").write_text(json.dumps([1, 20.0]))
    assert Cases.read(tmp_path).weights.tolist() == [1, 20]


@pytest.mark.parametrize("content", ["[1]", "{}", "[1, 0]", "[1, true]", "[1, NaN]", "[1"])
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, content):
    write_predictions(tmp_path / "predictions.jsonl", [prediction("porn"), prediction("sexy")])
    (tmp_path / "weights.json").write_text(content)
    with pytest.raises(EvaluationError, match=r"weights\.json"):
        Cases.read(tmp_path)
