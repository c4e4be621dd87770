"""Reviewers' verdicts beside what the service had answered: one JSON object per line -> reviewed images.

A line holds the stored answer under `answer`, or is itself a stored result, and beside it:
- `verdict`: one of the five classes, or `explicit` (porn or hentai) or `safe` (neutral or drawing); for an answer with
  several results a list, one for each, null for those nobody looked at.
- `sampled`: the probability, above 0 and up to 1, with which an image with this action was shown to a reviewer; or
  `weight`: how many images this one stands for. Neither means that it stands for itself alone.
"""

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from evaluation.moderation import SAFE
from thresholds.base_rates import EXPLICIT
from trust_nsfw.errors import InternalError
from trust_nsfw.schema import LABELS, Action, Scores

VERDICTS = (*LABELS, "explicit", "safe")
ERROR = "error"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One image: what was answered, and what a person says of it.

    `action` is an Action's value or "error", `scores` None with the error's code where there was an error. `label` is
    the verdict as a class; for explicit and safe the likelier of the two by its scores. `is_sampled` says whether the
    line told how the image came to be looked at.
    """

    line: int
    name: str
    action: str
    scores: Scores | None
    error: str | None
    label: str
    weight: float
    is_sampled: bool
    image: Mapping[str, Any] = field(default_factory=dict)
    policy: str | None = None
    checkpoint: str | None = None

    @property
    def is_explicit(self) -> bool:
        """Whether the reviewer calls it porn or hentai."""
        return self.label in EXPLICIT


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is no verdict, and why."""

    line: int
    why: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.why}"


@dataclass(frozen=True, slots=True)
class VerdictFile:
    """All that a file holds: images reviewed, lines that say nothing, and how many results nobody looked at."""

    reviewed: tuple[Reviewed, ...]
    malformed: tuple[Malformed, ...]
    without_verdict: int


def read_lines(lines: Iterable[bytes]) -> VerdictFile:
    """Read every line; blank ones are passed over, all others are an image or listed as malformed."""
    reviewed: list[Reviewed] = []
    malformed: list[Malformed] = []
    skipped = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found = list(_line(number, line))
        except (ValueError, OverflowError, RecursionError) as error:  # JSON's own errors are ValueErrors
            malformed.append(Malformed(number, str(error) or type(error).__name__))
            continue
        reviewed += [one for one in found if one is not None]
        skipped += found.count(None)
    return VerdictFile(tuple(reviewed), tuple(malformed), skipped)


def _line(number: int, line: bytes) -> Iterator[Reviewed | None]:
    content = _object(json.loads(line), "the line")
    if "verdict" not in content:
        raise ValueError("it has no verdict")
    weight = _weight(content)
    answer = _object(content.get("answer", content), "its answer")
    results = answer.get("results", [answer])
    if not isinstance(results, list) or not results:
        raise ValueError("its answer's results are no list of results")
    verdict = content["verdict"]
    verdicts = verdict if isinstance(verdict, list) else [verdict]
    if len(verdicts) != len(results):
        raise ValueError(f"{len(results)} results and {len(verdicts)} verdicts; a list with one for each is needed")
    for place, (result, one) in enumerate(zip(results, verdicts, strict=True)):
        name = f"{number}" if len(results) == 1 else f"{number}.{place}"
        yield None if one is None else _reviewed((number, name), _object(result, "a result"), answer, one, weight)


def _reviewed(
    place: tuple[int, str], result: Mapping[str, Any], answer: Mapping[str, Any], verdict: Any, weight: float | None
) -> Reviewed:
    if verdict not in VERDICTS:
        raise ValueError(f"the verdict {verdict!r:.40} is not one of {', '.join(VERDICTS)}")
    action = result.get("action")
    if action not in (*Action, ERROR):
        raise ValueError(f"the action {action!r:.40} is not one of {', '.join(Action)}, {ERROR}")
    scores = None if action == ERROR else _scores(result)
    image, policy, model = _optional(result, "image"), _optional(answer, "policy"), _optional(answer, "model")
    identity = result.get("path") or result.get("id")
    return Reviewed(
        line=place[0],
        name=identity if isinstance(identity, str) else f"line {place[1]}",
        action=str(action),
        scores=scores,
        error=str(_optional(result, "error").get("code", "internal")) if action == ERROR else None,
        label=_label(str(verdict), scores),
        weight=1.0 if weight is None else weight,
        is_sampled=weight is not None,
        image=image,
        policy=f"{policy.get('name')} {policy.get('version')}" if policy else None,
        checkpoint=str(model.get("sha256")) if model else None,
    )


def _label(verdict: str, scores: Scores | None) -> str:
    """Return the class that a verdict names; of a group, the likelier class by the scores, its first without scores."""
    members = {"explicit": EXPLICIT, "safe": SAFE}.get(verdict, (verdict,))
    return max(members, key=lambda label: 0.0 if scores is None else float(getattr(scores, label)))


def _weight(content: Mapping[str, Any]) -> float | None:
    """Return how many images a line's stand for, None where it does not say."""
    given = [key for key in ("sampled", "weight") if content.get(key) is not None]
    if not given:
        return None
    if len(given) == 2:
        raise ValueError("it has both sampled and weight; one of them is enough")
    value = content[given[0]]
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"{given[0]} {value!r:.40} is not a number above 0")
    weight = 1 / value if given == ["sampled"] else float(value)
    if not 1 <= weight < math.inf:
        limits = "a probability, at most 1" if given == ["sampled"] else "at least 1"
        raise ValueError(f"{given[0]} {value!r:.40} is not {limits}")
    return weight


def _scores(result: Mapping[str, Any]) -> Scores:
    scores = _object(result.get("scores"), "scores")
    try:
        return Scores.from_probabilities([scores[label] for label in LABELS])
    except KeyError as missing:
        raise ValueError(f"its scores have no {missing}") from None
    except (InternalError, TypeError, ValueError, OverflowError):
        raise ValueError("its scores are not five probabilities") from None


def _optional(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    return {} if content.get(key) is None else _object(content[key], key)


def _object(content: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise ValueError(f"{what} is no object")
    return content
