"""Times of calls become figures; the first of each size warms up."""

import numpy as np
import pytest

from evaluation.speed import Call, Speed, TimedScorer
from trust_nsfw.schema import Scores


class Ready:
    """A scorer that knows every answer."""

    def describe(self):
        return {"scored_by": "nobody"}

    def score(self, payloads):
        return [Scores(neutral=1.0)] * len(payloads)


def test_a_timed_scorer_answers_as_the_scorer_does_and_notes_every_call():
    scorer = TimedScorer(Ready())
    assert scorer.score([b"a", b"b"]) == [Scores(neutral=1.0)] * 2
    assert scorer.describe() == {"scored_by": "nobody"}
    assert [call.images for call in scorer.calls] == [2]


def test_figures_leave_out_the_warm_ups_and_the_remainder():
    calls = [Call(1, 9.0), Call(1, 0.1), Call(1, 0.3), Call(8, 9.0), Call(8, 0.4), Call(8, 0.4), Call(3, 5.0)]
    found = Speed.of(calls)
    assert (found.lone.calls, found.lone.p50_ms) == (2, pytest.approx(200))
    assert (found.batch.calls, found.batch.images, found.batch.p95_ms) == (2, 8, pytest.approx(400))
    assert found.images_per_second == pytest.approx(20)


def test_what_was_not_done_is_not_measured():
    found = Speed.of([Call(1, 0.5)])
    assert (found.lone.calls, found.batch.calls, found.images_per_second) == (1, 0, 2.0)
    assert np.isnan(found.batch.p50_ms)
    assert np.isnan(Speed.of([]).images_per_second)
