"""What is wrong with the JSON of an answer: each part of the wire contract is held against what was sent and asked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from traffic.call import Call, ExpectedImage, Kind
from traffic.formats import MEDIA_TYPES
from traffic.references import References
from trust_nsfw.client.http_requests import DEFAULT_MODEL
from trust_nsfw.policy import Policy, decide
from trust_nsfw.schema import GROUPS, LABELS, Scores

SUM_TOLERANCE = 3e-6 + 1e-9  # the contract's, and what adding floats loses
GROUP_TOLERANCE = 2e-6
LABEL_SET = frozenset(LABELS)
MODEL_WORDS = ("version", "checkpoint", "sha256", "weights", "engine", "precision")
FORMATS = {media_type: name for name, media_type in MEDIA_TYPES.items()}
PNG_IN_BASE64 = "iVBORw0KGgo"


@dataclass(frozen=True, slots=True)
class Asked:
    """What every request of a test asks for: a policy, "" for the service's default; a model's version, "" for any."""

    policy: str = ""
    version: str = ""


def problem_of_results(call: Call, answer: Any, references: References, asked: Asked) -> str | None:
    """Return what is wrong, None when nothing is.

    Raises ValueError, LookupError, TypeError or AttributeError for another shape.
    """
    if "results" not in answer:
        return f"no results: {answer.get('error')}"
    results, decided = answer["results"], answer["policy"]
    if len(results) != len(call.images):
        return f"{len(results)} results for {len(call.images)} images"
    if problem := _problem_of_model(answer["model"], asked.version):
        return problem
    if problem := references.problem_of_policy(decided["name"], decided["version"], asked.policy):
        return problem
    for index, (result, image) in enumerate(zip(results, call.images, strict=True)):
        if problem := _problem_of_result(index, result, image, references):
            return f"result {index}: {problem}"
    return _problem_of_explanation(answer["explanation"], results[0]) if call.kind is Kind.EXPLANATION else None


def _problem_of_model(model: Mapping[str, str], version: str) -> str | None:
    """Whatever TorchServe calls it, the service's own name of it is the contract's."""
    if model["name"] != DEFAULT_MODEL:
        return f"an answer of model {model['name']}"
    for word in MODEL_WORDS:
        if not (isinstance(model[word], str) and model[word]):
            return f"a model without {word}: {model[word]!r}"
    if version not in ("", model["version"]):
        return f"an answer of version {model['version']}, asked for was {version}"
    return None


def _problem_of_result(index: int, result: Any, image: ExpectedImage, references: References) -> str | None:
    if (result["index"], result["id"]) != (index, image.id):
        return f"index {result['index']} and id {result['id']}, sent was {image.id}"
    if image.error is not None or result["action"] == "error":
        found = result["error"]["code"] if result["action"] == "error" else result["action"]
        return None if found == image.error else f"{found}, expected {image.error or 'scores'}"
    scores = result["scores"]
    return (
        _problem_of_facts(result["image"], image)
        or _problem_of_scores(scores, result["label"])
        or references.problem_of(image.key, scores)
        or _problem_of_groups(result["groups"], scores)
        or _problem_of_decision(result, scores, references.policy)
    )


def _problem_of_facts(found: Mapping[str, Any], image: ExpectedImage) -> str | None:
    if found["sha256"] != image.sha256:
        return "an answer for another image, by its sha256"
    if image.media_type in FORMATS and found["format"] != FORMATS[image.media_type]:
        return f"a picture of format {found['format']}, sent was {image.media_type}"
    if image.size_px not in (None, (found["width"], found["height"])):
        return f"a picture of {found['width']}x{found['height']} px, sent was one of {image.size_px}"
    return None


def _problem_of_scores(scores: Mapping[str, float], label: str) -> str | None:
    if scores.keys() != LABEL_SET:
        return f"labels {sorted(scores)}, expected {sorted(LABELS)}"
    if not all(0 <= score <= 1 for score in scores.values()):  # a NaN is neither
        return f"no probabilities: {scores}"
    if abs(sum(scores.values()) - 1) > SUM_TOLERANCE:
        return f"the probabilities sum to {sum(scores.values()):.6f}"
    if label not in LABEL_SET or scores[label] != max(scores.values()):
        return f"the label is {label}, which has not the best score"
    return None


def _problem_of_groups(groups: Mapping[str, float], scores: Mapping[str, float]) -> str | None:
    if groups.keys() != GROUPS.keys():
        return f"groups {sorted(groups)}, expected {sorted(GROUPS)}"
    for name, members in GROUPS.items():
        total = sum([scores[member] for member in members])
        if not abs(groups[name] - total) <= GROUP_TOLERANCE:  # a NaN neither
            return f"group {name} is {groups[name]:.6f}; its classes sum to {total:.6f}"
    return None


def _problem_of_decision(result: Mapping[str, Any], scores: Mapping[str, float], policy: Policy | None) -> str | None:
    """Replay the policy on the very scores published; None is one that isn't known here."""
    if policy is None:
        return None
    right, of_these = decide(Scores(**scores), policy), f"policy {policy.name} {policy.version} makes"
    if result["action"] != right.action:
        return f"the action is {result['action']}; {of_these} {right.action} of these scores"
    if result["reasons"] != (reasons := [asdict(reason) for reason in right.reasons]):
        return f"the reasons are {result['reasons']}; {of_these} {reasons} of these scores"
    return None


def _problem_of_explanation(explanation: Any, result: Any) -> str | None:
    rows, reasons = explanation["grid"], result["reasons"]
    if explanation["target"] != (decided := reasons[0]["score"] if reasons else result["label"]):
        return f"an explanation of {explanation['target']}; what decided was {decided}"
    if not rows or len({len(row) for row in rows}) != 1:
        return "an explanation whose grid has no equal rows"
    if not all(0 <= cell <= 1 for row in rows for cell in row):
        return "an explanation whose grid leaves 0 to 1"
    return None if explanation["png_b64"].startswith(PNG_IN_BASE64) else "an explanation without a PNG"
