import numpy as np
import pytest

from labelled_scores import evenly_spread, ladder, prediction, unscored
from thresholds.base_rates import resolve_rates
from thresholds.cases import Cases
from thresholds.figures import Figures
from thresholds.operating_point import OperatingPoint
from thresholds.search import Search
from thresholds.targets import TargetError, Targets

OBSERVED = Targets(aim="observed", blur_precision=None, blur_fpr=0.0)


def choose(predictions, targets=OBSERVED, given=None, recall=0.98) -> OperatingPoint:
    cases = Cases.of(predictions)
    rates = resolve_rates(given or {}, cases)
    return Search(cases, rates, targets).choose(dict.fromkeys(targets.populations(rates), recall))


def test_the_review_threshold_is_the_lowest_score_that_may_not_be_missed():
    # of 200 each, 4 may be missed: the fifth lowest is 4.5 / 200; no safe image is blurred from 0.5 up
    assert choose(evenly_spread()) == OperatingPoint(blur=502_500, review=22_500)


def test_the_weaker_class_decides_unless_pooled():
    predictions = evenly_spread() + ladder("hentai", 200, high=0.01, score="hentai")
    weaker = choose(predictions, recall=0.9)
    pooled = choose(predictions, Targets(aim="observed", blur_precision=None, blur_fpr=0.0, pooled=True), recall=0.9)
    assert weaker.review < 20_000  # 40 of hentai's 400 may be missed, and half of them have scores under 0.01
    assert weaker.review < pooled.review or pooled.review is None


def test_blur_fpr_counts_neutral_and_drawing_only():
    # 400 safe images over 0 to 0.5: 1 % are 4, two of each class, so the explicit score may go down to 0.4975
    point = choose(evenly_spread(), Targets(aim="observed", blur_precision=None, blur_fpr=0.01))
    assert point.blur == 497_500


def test_blur_precision_is_counted_at_the_base_rate():
    # 0.5 and up is all explicit; with b more explicit images per class, 2b - 1 of each other class (all of 200) are
    # blurred: at 1 %, b = 1 gives 0.01 x 101 against 0.99 x 1
    tight = choose(evenly_spread(), Targets(blur_precision=0.9), given={"explicit": 0.01})
    assert tight.blur == 502_500
    # at 50 %: (100 + b) / (100 + 3b - 1) >= 0.95 up to b = 3
    loose = choose(evenly_spread(), Targets(blur_precision=0.95), given={"explicit": 0.5})
    assert loose.blur == 487_500


def test_blurring_no_more_than_the_recall_needs_where_it_needs_no_review():
    predictions = [*ladder("porn", 100, 0.5), *ladder("hentai", 100, 0.5)]
    predictions += [prediction(label) for label in ("neutral", "drawing", "sexy") for _ in range(50)]
    point = choose(predictions)
    assert point == OperatingPoint(blur=512_500)


def test_explicit_images_that_look_sexy_are_caught_by_what_costs_least():
    predictions = [prediction("porn", porn=0.9) for _ in range(90)]
    predictions += [prediction("porn", porn=0.05, sexy=0.92) for _ in range(10)]
    predictions += [prediction("hentai", hentai=0.9) for _ in range(50)]
    predictions += [prediction(label, porn=0.06) for label in ("neutral", "drawing") for _ in range(100)]
    predictions += [prediction("sexy", sexy=0.5) for _ in range(50)]
    # on the explicit score every safe image would be reviewed; nsfw over 0.5 reviews none
    assert choose(predictions) == OperatingPoint(blur=900_000, nsfw=550_000)


def test_a_recall_of_sexy_images_is_kept_where_it_is_asked_for():
    predictions = [prediction(label, **{label: 0.9}) for label in ("porn", "hentai") for _ in range(50)]
    predictions += [prediction(label) for label in ("neutral", "drawing") for _ in range(50)]
    predictions += ladder("sexy", 100, score="sexy")
    assert choose(predictions).sexy is None
    point = choose(predictions, Targets(blur_fpr=0.0, sexy_recall=0.8))
    cases = Cases.of(predictions)
    caught = point.actions(cases)[cases.are("sexy")] > 0
    assert 0.8 <= caught.mean() <= 0.86


def test_an_image_that_could_not_be_scored_is_a_miss():
    predictions = evenly_spread() + [unscored("porn")] * 3
    # 203 of porn: 4.06 may be missed, three are already
    assert choose(predictions).review == 7_500
    with pytest.raises(TargetError, match="porn: .*could not be scored"):
        choose(evenly_spread() + [unscored("porn")] * 5)


def test_a_blur_target_out_of_reach_says_what_is_reached():
    predictions = evenly_spread() + [prediction("neutral", porn=1.0) for _ in range(200)]
    with pytest.raises(TargetError, match="no blur threshold .*ask for less"):
        choose(predictions, Targets(blur_precision=0.95), given={"explicit": 0.01})


def test_weights_stand_for_images():
    predictions = evenly_spread()
    cases = Cases.of(predictions)
    rates = resolve_rates({}, cases)
    doubled = Cases.of(predictions + [one for one in predictions if one.label == "porn"][:50])
    weights = np.where(np.arange(len(cases)) < 50, 2.0, 1.0)
    least = {"porn": 0.98, "hentai": 0.98}
    by_weight = Search(cases, rates, OBSERVED).choose(least, weights)
    assert by_weight == Search(doubled, rates, OBSERVED).choose(least)


def test_pooled_misses_count_as_much_as_they_do_among_uploads():
    # 10 of 200 explicit images are 5 %, but all of them hentai, nine tenths of what is uploaded: 9 % of it
    predictions = [prediction("porn", porn=0.9) for _ in range(100)]
    predictions += [*ladder("hentai", 10, low=0.1, high=0.2, score="hentai"), *ladder("hentai", 90, 0.8, 0.9, "hentai")]
    predictions += [prediction(label) for label in ("neutral", "drawing", "sexy") for _ in range(20)]
    predictions += [prediction("neutral", hentai=0.15) for _ in range(20)]
    cases = Cases.of(predictions)
    targets = Targets(recall=0.95, aim="observed", blur_precision=None, blur_fpr=0.0, pooled=True)
    rates = resolve_rates({"porn": 0.001, "hentai": 0.009}, cases)
    search = Search(cases, rates, targets)
    point = search.choose({"explicit": 0.95})
    assert Figures.of(cases, point.actions(cases), rates).recall["explicit"].value >= 0.95


def test_what_cannot_be_scored_is_weighed_by_uploads_too():
    predictions = [prediction("porn", porn=0.9) for _ in range(100)]
    predictions += [*(prediction("hentai", hentai=0.9) for _ in range(90)), *(unscored("hentai") for _ in range(10))]
    predictions += [prediction(label) for label in ("neutral", "drawing", "sexy") for _ in range(20)]
    cases = Cases.of(predictions)
    targets = Targets(aim="observed", blur_precision=None, blur_fpr=0.0, pooled=True)
    search = Search(cases, resolve_rates({"porn": 0.001, "hentai": 0.009}, cases), targets)
    reachable = search.reachable({"explicit": 0.98})
    assert reachable["explicit"] == pytest.approx(0.91)
    search.choose(reachable)
