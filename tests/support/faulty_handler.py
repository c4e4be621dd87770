"""Our handler with a fault to order, as the archive's entry: the file that FAULT_FILE names says which; none, no fault.

Packed in the place of torchserve_handler.py, which is beside it under another name.
"""

import copy
import json
import time
from pathlib import Path
from typing import Any

from sound_handler import NsfwHandler as SoundHandler

FAULT_FILE = Path("@FAULT_FILE@")
SECONDS_LATE = 1.5


class NsfwHandler(SoundHandler):
    """Answers as ours does, and then spoils what it has answered."""

    def handle(self, data: Any, context: Any) -> Any:
        answers = super().handle(data, context)
        fault = FAULT_FILE.read_text() if FAULT_FILE.exists() else "none"
        return getattr(self, fault)(answers)

    def none(self, answers: list[bytes]) -> list[bytes]:
        return answers

    def swap_requests(self, answers: list[bytes]) -> list[bytes]:
        """Two requests of a batch get each other's answers."""
        return [answers[1], answers[0], *answers[2:]] if len(answers) > 1 else answers

    def swap_scores(self, answers: list[bytes]) -> list[bytes]:
        """Two requests of a batch get each other's scores, with all that follows from them; the sha256 stay right."""
        contents = [json.loads(answer) for answer in answers]
        scored = [content["results"][0] for content in contents if "scores" in content.get("results", [{}])[0]]
        _exchange_scores(scored)
        return [json.dumps(content, separators=(",", ":")).encode() for content in contents]

    def swap_images(self, answers: list[bytes]) -> list[bytes]:
        """Two images of one JSON request get each other's results, under their own index and id."""
        return self._each(answers, _exchange_results)

    def drop_request(self, answers: list[bytes]) -> list[bytes]:
        """One answer of a batch is missing."""
        return answers[:-1]

    def drop_image(self, answers: list[bytes]) -> list[bytes]:
        """The last image of a JSON request is missing."""
        return self._each(answers, lambda results: results.pop() if len(results) > 1 else None)

    def empty(self, answers: list[bytes]) -> list[bytes]:
        """The answers are there, and empty."""
        return [b"" for _ in answers]

    def late(self, answers: list[bytes]) -> list[bytes]:
        """Everything is right, and too late."""
        time.sleep(SECONDS_LATE)
        return answers

    def _each(self, answers: list[bytes], change: Any) -> list[bytes]:
        contents = [json.loads(answer) for answer in answers]
        for content in contents:
            change(content.get("results", []))
        return [json.dumps(content, separators=(",", ":")).encode() for content in contents]


def _exchange_scores(results: list[dict[str, Any]]) -> None:
    if len(results) > 1:
        first, second = results[:2]
        for name in ("action", "label", "scores", "groups", "reasons"):
            first[name], second[name] = second[name], first[name]


def _exchange_results(results: list[dict[str, Any]]) -> None:
    if len(results) > 1:
        first, second = copy.deepcopy(results[:2])
        results[0], results[1] = (
            second | {name: first[name] for name in ("index", "id")},
            first | {name: second[name] for name in ("index", "id")},
        )
