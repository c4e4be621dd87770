"""What changed pictures do to decisions is counted against what the policy did before."""

import pytest

from evaluation.labelled_files import of_folder
from evaluation.metrics import Share
from evaluation.predicting import predict
from evaluation.prediction import Prediction
from evaluation.robustness import Effect, Seen, measure, sample, still
from evaluation.scorers import DEFAULT_POLICY_FILE, CheckpointScorer
from evaluation.transformations import TRANSFORMATIONS
from pictures import animated_gif, encode, glass, picture, truncated_jpeg
from trust_nsfw.images import decode
from trust_nsfw.policy_file import load_policy_file
from trust_nsfw.schema import LABELS, Action, Failure, Scores
from trust_nsfw.settings import Limits

POLICY = load_policy_file(DEFAULT_POLICY_FILE).policy


def test_an_effect_counts_recall_changes_and_failures():
    seen = [
        Seen("porn", "porn", Action.BLUR, "porn", Action.BLUR),
        Seen("porn", "porn", Action.BLUR, "neutral", Action.ALLOW),
        Seen("hentai", "hentai", Action.BLUR, "hentai", Action.REVIEW),
        Seen("neutral", "neutral", Action.ALLOW, "porn", Action.BLUR),
        Seen("drawing", "drawing", Action.ALLOW, None, None),
    ]
    found = Effect.of("x", "x", seen)
    assert (found.images, found.failed) == (4, 1)
    assert (found.recall, found.stopped) == (Share.of(1, 3), Share.of(2, 3))
    assert (found.changed_actions, found.milder_actions) == (Share.of(3, 4), Share.of(2, 4))
    assert (found.changed_labels, found.safe_rate) == (Share.of(2, 4), Share.of(0, 1))


def test_a_sample_takes_the_classes_in_turn_and_no_image_that_failed():
    scores = dict.fromkeys(LABELS, 0.2)
    many = [
        Prediction(f"{number}", label, None if number == 0 else scores, None, f"{number}", None, None, None)
        for label, count in (("neutral", 20), ("porn", 3), ("hentai", 1))
        for number in range(count)
    ]
    chosen = [many[place] for place in sample(many, 6)]
    assert [one.label for one in chosen] == ["neutral", "porn", "neutral", "porn", "neutral", "neutral"]
    assert all(one.scores for one in chosen)
    assert sample(many, 6) == sample(many, 6)
    assert len(sample(many, 1000)) == 21


def test_a_model_keeps_its_decisions_on_a_flip_and_loses_some_on_a_small_inset(trained_checkpoint, class_folders):
    scorer, files, done = CheckpointScorer(trained_checkpoint), of_folder(class_folders), []
    predictions = predict(files, scorer)
    places = sample(predictions, 50)
    found = measure(
        [files[place] for place in places], [predictions[place] for place in places], scorer, POLICY, done.append
    )
    effects = {effect.name: effect for effect in found.effects}
    assert list(effects) == ["original", *(one.name for one in TRANSFORMATIONS)]
    assert all(effect.images == 50 for effect in effects.values())
    assert effects["original"].changed_actions.hits == 0
    assert effects["flip"].changed_labels.value <= 0.1
    assert effects["inset_ninth"].changed_labels.value > effects["reencoded"].changed_labels.value
    assert sum(done) == 50 * len(TRANSFORMATIONS)


class Refusing:
    """A scorer that fails at every image."""

    def describe(self):
        return {}

    def score(self, payloads):
        return [Failure("internal", 500, "no")] * len(payloads)


def test_transformed_pictures_that_fail_are_counted_and_not_taken_for_allowed(trained_checkpoint, class_folders):
    files = of_folder(class_folders)[:5]
    predictions = predict(files, CheckpointScorer(trained_checkpoint))
    found = measure(files, predictions, Refusing(), POLICY)
    assert {(effect.images, effect.failed) for effect in found.effects[1:]} == {(0, 5)}


@pytest.mark.parametrize("payload", [animated_gif(3), encode(glass(1), "PNG"), truncated_jpeg(), b""])
def test_what_is_animated_transparent_or_broken_is_left_out(payload):
    assert still(payload) is None


def test_an_opaque_png_is_taken():
    assert still(encode(picture(3), "PNG")).size == (64, 48)


def test_a_picture_that_a_border_would_make_too_large_is_scaled_down_before_every_change(trained_checkpoint, tmp_path):
    (tmp_path / "neutral").mkdir()
    for number, size in enumerate(((64, 48), (640, 48), (200, 150))):
        (tmp_path / f"neutral/{number}.png").write_bytes(encode(picture(number).resize(size), "PNG"))
    limits = Limits(max_pixels=200 * 150 + 1, max_side_px=650)
    scorer, files = Limited(limits), of_folder(tmp_path)
    found = measure(files, predict(files, CheckpointScorer(trained_checkpoint)), scorer, POLICY, limits=limits)
    assert found.made_smaller == 2
    assert {(effect.images, effect.failed) for effect in found.effects} == {(3, 0)}


class Limited:
    """A scorer with limits of its own, that finds everything neutral."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def describe(self):
        return {}

    def score(self, payloads):
        for payload in payloads:
            decode(payload, self._limits)
        return [Scores(0, 0, 1, 0, 0)] * len(payloads)
