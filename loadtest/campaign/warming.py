"""The first answers: each good picture once, one at a time, with nothing else going on."""

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from campaign.errors import CampaignError
from campaign.place import Place
from campaign.record import Latency
from measuring.answers import TOLERANCES, Expected, WrongAnswerError, problem_of
from measuring.expectations import FEWEST_TOLD_APART, told_apart
from measuring.spread import percentile
from traffic.call import Picture

ANSWER_SECONDS = 60.0
POLICY = {"X-Policy": "default"}  # the shipped one, by which the actions are judged


@dataclass(frozen=True, slots=True)
class Warmth:
    """What the server answered, by picture key, and how long a lone request took; `told_apart` is the share of pairs
    of pictures whose scores differ enough for a swap to show.
    """

    scores: dict[str, dict[str, float]]
    lone: Latency
    told_apart: float

    def write(self, file: Path) -> None:
        """Write the scores that later answers must repeat."""
        file.write_text(json.dumps(self.scores, indent=1), encoding="utf-8")

    @property
    def warning(self) -> str:
        """What to tell of pictures that score alike, "" where they are told apart."""
        if self.told_apart >= FEWEST_TOLD_APART:
            return ""
        return (
            f"only {self.told_apart:.0%} of all pairs of pictures differ in their scores by more than the tolerance: "
            "an answer in another's place may pass unnoticed (its checksum would still give it away)"
        )


def warm_up(place: Place, pictures: Sequence[Picture], tick: Callable[[], None] = lambda: None) -> Warmth:
    """Ask for every picture. Raises WrongAnswerError for an answer that can't be right, CampaignError for none."""
    scores: dict[str, dict[str, float]] = {}
    latencies_ms: list[float] = []
    with requests.Session() as session:
        session.trust_env = False
        for picture in pictures:
            tick()
            started = time.perf_counter()
            status, body = _ask(session, place, picture)
            latencies_ms.append(1000 * (time.perf_counter() - started))
            scores[picture.key] = scores_of(picture, status, body, scores.get(picture.key))
    if not scores:
        raise CampaignError("there is no picture to send")
    p50, p90, p95, p99 = (percentile(latencies_ms, percent) for percent in (50, 90, 95, 99))
    mean = sum(latencies_ms) / len(latencies_ms)
    lone = Latency(len(latencies_ms), p50, p90, p95, p99, max(latencies_ms), mean)
    apart = told_apart(list(scores.values()), TOLERANCES["ours"]) if len(scores) > 1 else 1.0
    return Warmth(scores, lone, apart)


def warm_explanations(place: Place, picture: Picture, tick: Callable[[], None] = lambda: None) -> None:
    """Ask for one explanation: the first of a worker loads what differentiates, for seconds in which nobody else is
    answered. Raises WrongAnswerError for a failure.
    """
    tick()
    with requests.Session() as session:
        session.trust_env = False
        status, body = _ask(session, place, picture, "explanations")
    if status != requests.codes.ok:
        raise WrongAnswerError(f"warm-up, explanation of picture {picture.key}: status {status}: {body[:200]!r}")


def scores_of(picture: Picture, status: int, body: bytes, known: dict[str, float] | None) -> dict[str, float]:
    """Return the scores of a first answer. Raises WrongAnswerError for one that contradicts itself, or `known` scores
    of the same picture.
    """
    try:
        found = json.loads(body)["results"][0]["scores"]
        wanted = known or {label: float(score) for label, score in found.items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        wanted = {}
    if problem := problem_of("ours", status, body, Expected(hashlib.sha256(picture.payload).hexdigest(), wanted)):
        raise WrongAnswerError(f"warm-up, picture {picture.key}: {problem}")
    return wanted


def _ask(session: requests.Session, place: Place, picture: Picture, what: str = "predictions") -> tuple[int, bytes]:
    url = f"{place.rest}/{what}/{place.model_name}"
    headers = {"Content-Type": picture.media_type, **POLICY}
    try:
        answer = session.post(url, data=picture.payload, headers=headers, timeout=ANSWER_SECONDS)
    except requests.RequestException as error:
        raise CampaignError(f"{urlsplit(url).netloc} gave no answer to picture {picture.key}: {error}") from error
    return answer.status_code, answer.content
