from base64 import b64encode
from dataclasses import replace

import pytest

import pictures
from archiving.golden import golden_pairs
from archiving.golden_pictures import golden_pictures
from trust_nsfw import golden
from trust_nsfw.errors import DriftError
from trust_nsfw.golden import replay
from trust_nsfw.manifest import GoldenPair


@pytest.fixture(scope="module")
def pairs(tiny_pipeline):
    return golden_pairs(tiny_pipeline)


def test_the_engine_that_recorded_them_reproduces_its_golden_pairs(pairs, tiny_pipeline):
    assert replay(pairs, tiny_pipeline) < 0.001


def test_golden_pictures_are_the_same_on_every_call():
    assert golden_pictures() == golden_pictures()


def test_the_golden_pictures_tell_models_apart(pairs):
    assert len({tuple(pair.scores.values()) for pair in pairs}) == len(pairs)


def test_a_probability_that_moved_beyond_the_tolerance_is_drift_naming_it(pairs, tiny_pipeline):
    last = pairs[-1]
    moved = replace(last, scores=last.scores | {"porn": last.scores["porn"] + 0.006})
    with pytest.raises(DriftError, match=r"golden picture 8 of 8: porn is .*, recorded was .* differ by 0\.005"):
        replay((*pairs[:-1], moved), tiny_pipeline)


def test_another_top_label_is_drift_even_within_the_tolerance(monkeypatch, pairs, tiny_pipeline):
    monkeypatch.setitem(golden.TOLERANCES, "fp32", 0.3)
    pair = min(pairs, key=lambda pair: max(pair.scores.values()))
    first, second = sorted(pair.scores, key=lambda label: pair.scores[label], reverse=True)[:2]
    recorded = {first: pair.scores[first] - 0.29, second: pair.scores[second] + 0.29}
    with pytest.raises(DriftError, match=f"the top label is {first}, recorded was {second}"):
        replay((replace(pair, scores=pair.scores | recorded),), tiny_pipeline)


def test_a_golden_picture_that_cannot_be_read_is_drift(tiny_pipeline):
    broken = GoldenPair(b64encode(pictures.truncated_jpeg()).decode(), {"neutral": 1.0})
    with pytest.raises(DriftError, match="cannot be classified"):
        replay((broken,), tiny_pipeline)
