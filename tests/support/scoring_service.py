"""A stand-in for the service that scores with a checkpoint and answers in the service's own words."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.scorers import CheckpointScorer
from fake_service import FakeService, Fault
from trust_nsfw.schema import Item, ModelInfo, Request
from trust_nsfw.wire.rendering import render

MODEL = ModelInfo("nsfw", "1.0", "scoring-service", "0" * 64, "trained", "torch", "fp32")


class ScoringService(FakeService):
    """What fake_http_server serves: real scores, as many requests as come."""

    def __init__(self, scorer: CheckpointScorer) -> None:
        super().__init__()
        self._pipeline = scorer._pipeline

    def classify(
        self, images: Sequence[tuple[str | None, bytes]], options: Mapping[str, str], fault: Fault | None, *, raw: bool
    ) -> dict[str, Any]:
        """Return the contract's answer, whatever policy is asked for."""
        request = Request(tuple(Item(payload, name) for name, payload in images), per_item=True)
        with self.lock:  # a pipeline is called from one thread
            [answer] = self._pipeline.classify([request])
        return dict(json.loads(render(answer, request, MODEL).body))
