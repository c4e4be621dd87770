import hashlib

import numpy as np
import pytest
from PIL import Image

import pictures
from trust_nsfw.frames import Box
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy import Policy
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import Action, Answer, Failure, Item, Request, Verdict
from trust_nsfw.settings import Limits, Settings

GOOD = [pictures.encode(pictures.picture(seed), "PNG") for seed in range(6)]


def request(*payloads: bytes, policy: str | None = None) -> Request:
    return Request(tuple(Item(payload) for payload in payloads), policy=policy, per_item=True)


def test_every_item_gets_its_own_result_in_order(tiny_pipeline: Pipeline):
    answers = tiny_pipeline.classify([request(*GOOD[:3]), request(GOOD[3]), request(*GOOD[4:])])
    shas = [result.image.sha256 for answer in answers for result in answer.results]
    assert shas == [hashlib.sha256(payload).hexdigest() for payload in GOOD]
    alone = [tiny_pipeline.classify([request(payload)])[0].results[0].scores for payload in GOOD]
    together = [result.scores for answer in answers for result in answer.results]
    assert len(set(alone)) == len(GOOD)
    for one, other in zip(alone, together, strict=True):
        assert one.classes() == pytest.approx(other.classes(), abs=1e-4)


def test_a_bad_image_fails_alone(tiny_pipeline: Pipeline):
    [answer] = tiny_pipeline.classify([request(GOOD[0], b"", b"text", pictures.truncated_jpeg(), GOOD[1])])
    kinds = [result.code if isinstance(result, Failure) else "ok" for result in answer.results]
    assert kinds == ["ok", "empty_image", "unsupported_format", "corrupt_image", "ok"]


def test_a_failure_that_arrives_in_a_slot_stays_there(tiny_pipeline: Pipeline):
    refused = Failure("url_not_allowed", 403, "no")
    [answer] = tiny_pipeline.classify([Request((Item(refused), Item(GOOD[0])), per_item=True)])
    assert answer.results[0] is refused
    assert isinstance(answer.results[1], Verdict)


def test_an_unknown_policy_refuses_its_request_and_no_other(tiny_pipeline: Pipeline):
    first, second = tiny_pipeline.classify([request(GOOD[0], policy="nope"), request(GOOD[0], policy="strict")])
    assert (first.code, first.status) == ("unknown_policy", 400)
    assert (second.policy_name, len(second.results)) == ("strict", 1)


def test_too_many_images_refuse_the_request(tiny_engine, tiny_pipeline: Pipeline):
    [answer] = tiny_pipeline.classify([request(*GOOD[:1] * 17)])
    assert (answer.code, answer.message) == ("too_many_images", "17 images in one request; the limit is 16")


def test_too_many_model_inputs_refuse_the_request(tiny_pipeline: Pipeline):
    animation = pictures.animated_gif(20)
    [within] = tiny_pipeline.classify([request(*[animation] * 4)])
    assert isinstance(within, Answer)
    [over] = tiny_pipeline.classify([request(*[animation] * 5)])
    assert over.code == "too_many_images"
    assert over.message == "40 model inputs (images x frames x backgrounds); the limit is 32"


def test_a_batch_larger_than_the_engines_goes_through_in_chunks(tiny_pipeline: Pipeline):
    assert tiny_pipeline.engine.max_batch < 6
    [answer] = tiny_pipeline.classify([request(*GOOD)])
    assert all(isinstance(result, Verdict) for result in answer.results)


def test_an_engine_that_returns_nonsense_never_allows(tiny_pipeline: Pipeline):
    class Broken:
        name, precision, max_batch, overlaps = "broken", "fp32", 4, False

        def probabilities(self, batch: np.ndarray) -> np.ndarray:
            return np.full((len(batch), 5), np.nan, dtype=np.float32)

    pipeline = Pipeline(Broken(), tiny_pipeline._spec, tiny_pipeline.policies, Settings(limits=Limits()))
    [answer] = pipeline.classify([request(GOOD[0])])
    assert (answer.results[0].code, answer.results[0].status) == ("internal", 500)


def test_an_image_that_memory_is_too_small_for_fails_alone(tiny_pipeline: Pipeline, monkeypatch):
    def starving(rgb: Image.Image, spec: PreprocessingSpec, box: Box | None) -> np.ndarray:
        if rgb.width == 65:
            raise MemoryError
        return to_model_input(rgb, spec, box)

    monkeypatch.setattr("trust_nsfw.decode_pool.to_model_input", starving)
    large = pictures.encode(pictures.picture(1, 65, 48), "PNG")
    [answer] = tiny_pipeline.classify([request(GOOD[0], large, GOOD[1])])
    assert [isinstance(result, Failure) for result in answer.results] == [False, True, False]
    assert answer.results[1].code == "internal"


def test_no_requests_are_no_answers(tiny_pipeline: Pipeline):
    assert tiny_pipeline.classify([]) == []


def test_a_shadow_policy_counts_where_it_would_differ_and_changes_nothing(tiny_pipeline: Pipeline):
    always = Policy("always", "1", (), Action.BLUR)
    never = Policy("never", "1", (), Action.ALLOW)
    policies = {"never": never, "always": always}
    settings = Settings(policy="never", shadow_policy="always")
    pipeline = Pipeline(tiny_pipeline.engine, tiny_pipeline._spec, policies, settings)
    first, second = pipeline.classify([request(GOOD[0], b"", GOOD[1]), request(GOOD[2], policy="always")])
    assert [getattr(result, "decision", None) and result.decision.action for result in first.results] == [
        Action.ALLOW, None, Action.ALLOW,
    ]  # fmt: skip
    assert first.shadow_differences == ((Action.ALLOW, Action.BLUR),) * 2
    assert second.shadow_differences == ()
