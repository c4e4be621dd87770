"""A policy's text, seen to decide as the thresholds were chosen to before anybody gets it."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from evaluation.prediction import EvaluationError, Prediction
from thresholds.cases import Cases
from thresholds.operating_point import OperatingPoint
from thresholds.policy_text import ACTIONS
from trust_nsfw.policy import decide
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.schema import LABELS, Scores


def verify(text: str, name: str, point: OperatingPoint, predictions: Sequence[Prediction]) -> None:
    """Load the text as the service does, run its examples, and decide on every scored image.

    Raises EvaluationError at the first that gets another action than the one that was counted on, PolicyError where the
    text is no policy.
    """
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"{name}.yaml"
        file.write_text(text, encoding="utf-8")
        loaded = load_policy_file(file)
    for number, test in enumerate(loaded.tests):
        if (action := decide(test.scores, loaded.policy).action) is not test.action:
            raise EvaluationError(f"the policy's tests[{number}] gives {action}, not {test.action}")
    for prediction, number in zip(predictions, point.actions(Cases.of(predictions)), strict=True):
        if prediction.scores is None:
            continue
        scores = Scores.from_probabilities([prediction.scores[label] for label in LABELS])
        if (action := decide(scores, loaded.policy).action) is not ACTIONS[number]:
            raise EvaluationError(f"{prediction.file} gets {action} by the policy, {ACTIONS[number]} was counted on")
