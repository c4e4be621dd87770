import hashlib
from collections.abc import Callable
from threading import Event

import numpy as np
import pytest
from PIL import Image

import pictures
from trust_nsfw.engines import Engine, Pending
from trust_nsfw.frames import Box
from trust_nsfw.pipeline import Pipeline
from trust_nsfw.policy import Policy
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.schema import Action, Answer, Failure, Item, Request, Verdict
from trust_nsfw.score_cache import ScoreCache
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


class Counting:
    """The tiny engine, counting its calls and their inputs, and calling back before each."""

    max_batch = 4

    def __init__(self, engine: Engine, *, overlaps: bool = False, before: Callable[[], object] = lambda: None) -> None:
        self.name, self.precision, self.overlaps = engine.name, engine.precision, overlaps
        self.sizes: list[int] = []
        self._engine, self._before = engine, before

    def start(self, batch: np.ndarray) -> Pending:
        assert self.overlaps
        rows = self.probabilities(batch)
        return Pending(lambda: rows)

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        self._before()
        self.sizes.append(len(batch))
        return self._engine.probabilities(batch)


def like(pipeline: Pipeline, engine: Engine, **changes: object) -> Pipeline:
    """Return a pipeline with another engine and settings, and a cache."""
    settings = Settings(**changes)
    cache = ScoreCache(settings.cache_entries)
    return Pipeline(engine, pipeline._spec, pipeline.policies, settings, cache=cache, model_id="00")


def test_an_image_seen_before_is_neither_decoded_nor_computed_and_answers_the_same(tiny_pipeline, monkeypatch):
    pipeline = like(tiny_pipeline, Counting(tiny_pipeline.engine))
    payloads = (*GOOD[:2], pictures.animated_gif(20), pictures.encode(pictures.glass(1), "PNG"))
    before = pipeline.run([request(*payloads)])
    monkeypatch.setattr("trust_nsfw.decode_pool.decode", None)
    after = pipeline.run([request(*payloads[::-1]), request(*payloads, policy="default")])
    assert after.answers[0].results == before.answers[0].results[::-1]
    assert after.answers[1] == before.answers[0]
    assert (before.measured.inputs, before.measured.cache_hits, before.measured.cache_misses) == (12, 0, 4)
    assert (after.measured.inputs, after.measured.cache_hits, after.measured.cache_misses) == (0, 8, 0)
    assert pipeline.engine.sizes == [4, 4, 4]


def test_cached_scores_are_decided_by_whichever_policy_asks(tiny_pipeline):
    policies = {action: Policy(action, "1", (), action) for action in Action}
    pipeline = Pipeline(
        tiny_pipeline.engine, tiny_pipeline._spec, policies, Settings(policy="allow"), cache=ScoreCache(9)
    )
    answers = [pipeline.classify([request(GOOD[0], policy=action)])[0] for action in Action]
    assert [answer.results[0].decision.action for answer in answers] == list(Action)
    assert len({answer.results[0].scores for answer in answers}) == 1


def test_equal_images_of_a_batch_are_computed_once_also_under_different_policies(tiny_pipeline):
    engine = Counting(tiny_pipeline.engine)
    pipeline = Pipeline(engine, tiny_pipeline._spec, tiny_pipeline.policies, Settings())
    batch = pipeline.run([
        request(GOOD[0], GOOD[1], GOOD[0], b""), request(GOOD[0], policy="strict"), request(b"", policy="nope"),
    ])  # fmt: skip
    assert engine.sizes == [2]
    assert (batch.measured.inputs, batch.measured.duplicates) == (2, 2)
    assert (batch.measured.cache_hits, batch.measured.cache_misses) == (0, 0)
    first, second, refused = batch.answers
    assert first.results[0] == first.results[2] != first.results[1]
    assert second.results[0].scores == first.results[0].scores
    assert (second.policy_name, refused.code) == ("strict", "unknown_policy")


def test_without_a_cache_or_with_one_of_no_entries_every_batch_is_computed(tiny_pipeline):
    engine = Counting(tiny_pipeline.engine)
    without = Pipeline(engine, tiny_pipeline._spec, tiny_pipeline.policies, Settings())
    for pipeline in (without, like(tiny_pipeline, engine, cache_entries=0)):
        for _ in range(2):
            assert pipeline.run([request(GOOD[0])]).measured.cache_misses == 0
    assert engine.sizes == [1] * 4


def test_a_failure_is_not_remembered(tiny_pipeline):
    class Recovering(Counting):
        def probabilities(self, batch: np.ndarray) -> np.ndarray:
            rows = super().probabilities(batch)
            return rows * np.nan if len(self.sizes) == 1 else rows

    pipeline = like(tiny_pipeline, Recovering(tiny_pipeline.engine))
    bad, good = (pipeline.classify([request(GOOD[0], b"text")])[0] for _ in range(2))
    assert (bad.results[0].code, bad.results[1].code) == ("internal", "unsupported_format")
    assert isinstance(good.results[0], Verdict)
    assert good.results[1] == bad.results[1]
    assert pipeline.run([request(GOOD[0], b"text")]).measured.cache_misses == 1


@pytest.mark.parametrize("kind", ["frames", "backgrounds"])
def test_the_limit_of_model_inputs_holds_for_cached_images_too(tiny_pipeline, kind):
    pipeline = like(tiny_pipeline, Counting(tiny_pipeline.engine))
    glasses = [pictures.glass(seed) for seed in range(4)]
    payload = {
        "frames": pictures.animated_gif(20),
        "backgrounds": pictures.encode(glasses[0], "PNG", save_all=True, append_images=glasses[1:]),
    }[kind]
    [fresh] = pipeline.classify([request(*[payload] * 5)])
    assert pipeline.engine.sizes == []
    assert isinstance(pipeline.classify([request(*[payload] * 4)])[0], Answer)
    batch = pipeline.run([request(*[payload] * 5), request(payload)])
    assert batch.answers[0] == fresh
    assert fresh.message == "40 model inputs (images x frames x backgrounds); the limit is 32"
    assert (batch.measured.cache_hits, batch.measured.inputs) == (6, 0)


def test_an_image_of_a_refused_request_is_computed_for_another_that_wants_it(tiny_pipeline):
    engine = Counting(tiny_pipeline.engine)
    pipeline = Pipeline(
        engine, tiny_pipeline._spec, tiny_pipeline.policies, Settings(limits=Limits(max_model_inputs=3))
    )
    clear, other = (pictures.encode(pictures.glass(seed), "PNG") for seed in (1, 2))
    refused, kept = pipeline.classify([request(clear, other), request(GOOD[0], other)])
    assert (refused.code, engine.sizes) == ("too_many_images", [3])
    [alone] = pipeline.classify([request(GOOD[0], other)])
    assert [result.image for result in kept.results] == [result.image for result in alone.results]
    assert kept.results[1].scores.classes() == pytest.approx(alone.results[1].scores.classes(), abs=1e-4)


def test_an_engine_that_overlaps_computes_while_later_images_are_drawn(tiny_pipeline, monkeypatch):
    computing = Event()

    def waiting(rgb: Image.Image, spec: PreprocessingSpec, box: Box | None) -> np.ndarray:
        if rgb.width == 65:
            assert computing.wait(30)
        return to_model_input(rgb, spec, box)

    monkeypatch.setattr("trust_nsfw.decode_pool.to_model_input", waiting)
    pipeline = like(tiny_pipeline, Counting(tiny_pipeline.engine, overlaps=True, before=computing.set))
    late = pictures.encode(pictures.picture(1, 65, 48), "PNG")
    [answer] = pipeline.classify([request(*GOOD[:4]), request(late)])[1:]
    assert isinstance(answer.results[0], Verdict)
    assert pipeline.engine.sizes == [4, 1]


def test_an_engine_on_the_same_cores_waits_until_all_images_are_drawn(tiny_pipeline, monkeypatch):
    drawn, seen = [], []

    def noting(rgb: Image.Image, spec: PreprocessingSpec, box: Box | None) -> np.ndarray:
        drawn.append(rgb)
        return to_model_input(rgb, spec, box)

    monkeypatch.setattr("trust_nsfw.decode_pool.to_model_input", noting)
    pipeline = like(tiny_pipeline, Counting(tiny_pipeline.engine, before=lambda: seen.append(len(drawn))))
    pipeline.classify([request(payload) for payload in GOOD])
    assert (seen, pipeline.engine.sizes) == ([6, 6], [4, 2])


def test_a_batch_says_how_long_it_decoded_and_how_long_the_engine_ran(tiny_pipeline):
    measured = tiny_pipeline.run([request(*GOOD)]).measured
    assert measured.decode_seconds > 0
    assert measured.inference_seconds > 0
    assert tiny_pipeline.run([]).measured.inference_seconds == 0
