import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from evaluation.prediction import EvaluationError, Prediction
from labelled_scores import evenly_spread, ladder, prediction, unscored
from thresholds import chart, page
from thresholds.base_rates import resolve_rates
from thresholds.cases import Cases
from thresholds.curve import Budget
from thresholds.intervals import Estimate
from thresholds.promise import Standing
from thresholds.resampling import held_out_actions
from thresholds.targets import Targets
from thresholds.tuning import threshold_interval, tune

FPR_0 = {"blur_precision": None, "blur_fpr": 0.0}


def tuned(predictions, targets=None, given=None, budget=None, other=None):
    targets = targets or Targets(**FPR_0)
    return tune(Cases.of(predictions), targets, given or {}, budget or Budget(), other, draws=20)


def test_enough_images_promise_the_recall_with_a_margin():
    found = tuned(evenly_spread(1000))
    assert found.is_promised
    for promise in found.promises:
        assert promise.chosen.low >= 0.98
        assert promise.chosen.value > 0.985
        assert promise.further == 0
    assert "PROMISED" in page.headline(found)


def test_aimed_at_what_is_observed_the_recall_is_just_reached_and_not_promised():
    found = tuned(evenly_spread(1000), Targets(aim="observed", **FPR_0))
    assert found.chosen.recall["porn"].value == pytest.approx(0.98)
    assert {promise.standing for promise in found.promises} == {Standing.TOO_FEW}


def test_both_review_loads_are_told_the_larger_first_and_neither_is_called_too_good():
    budget = Budget(daily_uploads=10_000)
    few = Cases.of(evenly_spread(300))
    same = tuned(evenly_spread(300), given={"explicit": 0.01}, budget=budget)
    less = tuned(evenly_spread(300), given={"explicit": 0.01}, budget=budget, other=("milder", few))
    for found in (same, replace(less, checked=replace(less.checked, review_load=Estimate(0.001, 0.0, 0.002)))):
        loads = {"the images chosen on": found.chosen, found.checked_on: found.checked}
        first, second = sorted(loads, key=lambda where: -loads[where].review_load.value)
        whole = page.page(found, "here", None)
        assert f"| load at the base rates | on {first} | on {second} |" in whole
        [headed] = [part for part in whole.split("\n\n") if "reviews, of uploads" in part]
        assert "too good" not in headed
        share = f"{100 * loads[first].review_load.value:.2f} %"
        for text in (whole, page.summary(found), "\n".join(page.remarks(found, "here"))):
            assert share in text
            assert not re.search(r"\d%", text)
        assert page.summary(found).index(f"as seen on {first}") < page.summary(found).index(f"as seen on {second}")


def test_too_few_images_say_how_many_more_are_needed():
    found = tuned(evenly_spread(80))
    porn = found.promises[0]
    assert (porn.standing, porn.chosen.images) == (Standing.TOO_FEW, 80)
    assert porn.chosen.value == pytest.approx(79 / 80)
    assert f"too few to promise 0.98; {porn.further:,} more independent images with no further miss" in str(porn)
    assert "NOT PROMISED" in page.headline(found)
    assert "NOT PROMISED" in "\n".join(page.remarks(found, "here"))
    assert "NOT PROMISED" in page.page(found, "here", "tuned.yaml")


def test_near_duplicates_are_no_more_than_one_image_to_a_promise():
    copies = [
        prediction(one.label, group, one.file, **one.scores)
        for group, one in enumerate(evenly_spread(80))
        for _ in range(10)
    ]
    porn = tuned(copies).promises[0]
    assert porn.standing is Standing.TOO_FEW
    assert porn.chosen.effective == pytest.approx(80)
    assert "as good as 80 independent ones" in str(porn)


def test_a_recall_that_other_images_do_not_have_is_not_promised():
    other = Cases.of([*evenly_spread(300), *ladder("porn", 300, high=0.01)])
    found = tuned(evenly_spread(1000), other=("elsewhere", other))
    standings = {promise.population: promise.standing for promise in found.promises}
    assert standings == {"porn": Standing.NOT_HELD, "hentai": Standing.PROMISED}
    assert found.checked_on == "elsewhere"
    assert not found.is_promised


def test_other_images_must_have_every_class():
    other = Cases.of([one for one in evenly_spread(50) if one.label != "sexy"])
    with pytest.raises(EvaluationError, match="no image of sexy"):
        tuned(evenly_spread(100), other=("elsewhere", other))


def test_near_duplicates_are_never_checked_on_thresholds_chosen_with_them():
    # every group's images are alike, and groups of porn are far apart: a group left out cannot lower the threshold
    predictions = [prediction("porn", group, porn=0.1 + group / 100) for group in range(5) for _ in range(20)]
    predictions += [prediction("hentai", 10 + group, hentai=0.9) for group in range(5)]
    predictions += [
        prediction(one, 100 * k + n) for k, one in enumerate(("neutral", "drawing", "sexy"), 1) for n in range(9)
    ]
    cases = Cases.of(predictions)
    targets = Targets(aim="observed", **FPR_0)
    rates = resolve_rates({}, cases)
    actions = held_out_actions(cases, rates, targets, {"porn": 1.0, "hentai": 1.0}, seed=0).actions
    porn = cases.are("porn")
    missed = {group for group, action in zip(cases.groups[porn], actions[porn], strict=True) if action == 0}
    assert missed == {cases.groups[0]}  # the lowest group misses as a whole when it is out


def test_a_class_of_one_group_cannot_be_checked():
    predictions = [*evenly_spread(20), prediction("hentai", 1, hentai=0.9)]
    predictions = [one for one in predictions if one.label != "hentai" or one.group == 1]
    with pytest.raises(EvaluationError, match="hentai has one image"):
        tuned(predictions)


def test_the_same_seed_gives_the_same_figures():
    assert page.record(tuned(evenly_spread(100)), {}) == page.record(tuned(evenly_spread(100)), {})


def test_a_budget_out_of_reach_says_what_it_would_take():
    budget = Budget(daily_uploads=10_000, daily_reviews=100)
    found = tuned(evenly_spread(300), Targets(aim="observed", **FPR_0), {"explicit": 0.01}, budget)
    needed = int(np.ceil(found.chosen.review_load.value * 10_000))
    assert f"needs {needed:,} reviews a day at 10,000 uploads; the budget is 100" in found.shortfall
    assert f"{needed - 100:,} reviews a day more" in found.shortfall
    assert f"at most {int(100 / found.chosen.review_load.value):,} uploads a day" in found.shortfall
    reached = float(found.shortfall.partition("observed recall of ")[2].split()[0])
    within = tuned(evenly_spread(300), Targets(recall=reached, aim="observed", **FPR_0), {"explicit": 0.01}, budget)
    assert within.shortfall is None


def test_a_budget_that_suffices_or_is_not_given_lacks_nothing():
    assert tuned(evenly_spread(100)).shortfall is None
    assert tuned(evenly_spread(100), budget=Budget(100, 100)).shortfall is None


def test_the_curve_rises_to_a_recall_of_1():
    curve = tuned(evenly_spread(100)).curve
    recalls = [one.figures.recall["explicit"].value for one in curve]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1


def test_images_without_scores_are_told_of_and_weigh_on_recall():
    found = tuned(evenly_spread(300) + [unscored("porn")] * 2, Targets(aim="observed", **FPR_0))
    assert found.unscored == 2
    assert "2 images could not be scored" in page.page(found, "here", None)
    assert found.checked.recall["porn"].value <= 300 / 302


def test_the_bootstraps_interval_covers_the_choice():
    found = tuned(evenly_spread(300))
    assert found.intervals["blur"].low <= found.point.blur / 1e6 <= found.intervals["blur"].high
    assert found.intervals["blur"].used == 1


def test_a_threshold_that_is_never_used_has_no_interval():
    assert threshold_interval([None, None]).low is None
    assert threshold_interval([None, 500_000]).used == 0.5


@pytest.mark.parametrize("count", [20, 300])
def test_the_picture_is_drawn_whatever_the_figures(count):
    found = tuned(evenly_spread(count), given={"hentai": 0.0, "porn": 0.01}, budget=Budget(1000, 10))
    with Image.open(BytesIO(chart.png(found, "title"))) as drawn:
        assert drawn.size == (1755, 910)
        assert np.asarray(drawn.convert("RGB")).std() > 20
    assert chart.png(found, "title") == chart.png(found, "title")
    assert chart.png(found, "title") != chart.png(replace(found, checked=found.chosen), "title")


@pytest.mark.parametrize(("least", "is_linear"), [(0.2, True), (0.01, False)])
def test_no_load_is_called_none_and_a_scale_under_a_decade_is_linear(least, is_linear):
    found = tuned(evenly_spread(100), budget=Budget(10_000, 2_000))
    loads = [0.0, least, 0.6]
    curve = [
        replace(one, figures=replace(one.figures, review_load=Estimate(load, 0.0, 1.0)))
        for one, load in zip(found.curve, loads, strict=False)
    ]
    at_end = replace(found.chosen, review_load=Estimate(0.6, 0.0, 1.0))
    axis = chart.LoadAxis(replace(found, curve=curve, chosen=at_end, checked=at_end))
    figure = Figure()
    axes = figure.subplots()
    axis.draw(axes)
    figure.canvas.draw()
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert axes.get_xscale() == ("linear" if is_linear else "log")
    assert labels[0] == "none"
    assert labels.count("none") == 1
    assert axis.place(0.0) < axis.place(least) < axis.place(0.6)
    assert axes.get_xlim()[0] < axis.place(0.0)


def lonely_blur(groups: int) -> list[Prediction]:
    """Return images of which only a few groups of porn are over every safe image, so that without them none is."""
    found = [prediction("porn", group, porn=0.9) for group in range(groups)]
    found += [prediction("porn", 50 + place, porn=0.5) for place in range(40)]
    found += [prediction("hentai", 100 + place, hentai=0.5) for place in range(40)]
    for number, label in enumerate(("neutral", "drawing", "sexy"), 2):
        found += [prediction(label, 100 * number + place, porn=0.6) for place in range(40)]
    return found


def test_a_fifth_without_thresholds_breaks_the_promise_and_not_the_tuning():
    found = tuned(lonely_blur(1), Targets(recall=0.5, **FPR_0))
    porn = found.promises[0]
    assert porn.standing is Standing.NOT_HELD
    assert "for 1 of 5 held-out fifths there are no thresholds: no blur threshold has" in str(porn)
    assert str(porn).endswith("so 0.5 is not promised")
    assert porn.checked.images < found.counts["porn"]
    assert "NOT PROMISED" in page.page(found, "here", "tuned.yaml")


def test_where_no_fifth_has_thresholds_nothing_is_checked():
    cases = Cases.of(lonely_blur(0))
    least = {"porn": 0.5, "hentai": 0.5}
    held_out = held_out_actions(cases, resolve_rates({}, cases), Targets(**FPR_0), least, seed=0)
    assert "for 5 of 5 held-out fifths there are no thresholds" in held_out.failure
    assert len(held_out.cases) == len(held_out.actions) == 0
