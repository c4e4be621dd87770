"""When open-loop requests arrive."""

from itertools import chain, islice, pairwise
from math import inf
from random import Random
from statistics import mean, stdev

import pytest

from driving.arrivals import Schedule, Stage, arrival_times, parse_rates, total_seconds


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("", ()),
        ("  ", ()),
        ("45", (Stage(45),)),
        ("0.5", (Stage(0.5),)),
        ("45x10", (Stage(45, 10),)),
        ("20x10, 60x15,20x1.5", (Stage(20, 10), Stage(60, 15), Stage(20, 1.5))),
        ("0x5,10x5", (Stage(0, 5), Stage(10, 5))),
    ],
)
def test_a_profile_is_read(text, stages):
    assert parse_rates(text) == stages


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fast", "'fast' is neither a rate nor RATExSECONDS"),
        ("20x", "'20x' is neither"),
        ("20x10,60", "'60' of a profile has no seconds"),
        ("20x10,", "'' is neither"),
        ("-1", "the rate must be 0 or more"),
        ("nan", "the rate must be 0 or more"),
        ("inf", "the rate must be 0 or more"),
        ("20x0", "the seconds more than 0"),
        ("20xinf", "the seconds more than 0"),
        ("0", "nothing would arrive"),
        ("0x5,0x3", "nothing would arrive"),
    ],
)
def test_what_is_no_profile_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        parse_rates(text)


def test_only_a_single_rate_has_no_end():
    assert total_seconds(parse_rates("45")) == inf
    assert total_seconds(parse_rates("20x10,60x15")) == 25


def times(text: str, process: str, seed: int = 0, **more: float) -> list[float]:
    return list(arrival_times(parse_rates(text), process, Random(seed), **more))


def test_constant_arrivals_are_evenly_spaced_across_stages():
    assert times("2x2,4x1", "constant") == pytest.approx([0, 0.5, 1, 1.5, 2, 2.25, 2.5, 2.75])


def test_a_pause_postpones_what_was_due_in_it():
    assert times("2x1,0x3,2x1", "constant", phase=0.5) == pytest.approx([0.25, 0.75, 4.25, 4.75])


def test_a_stage_too_short_for_an_arrival_counts_towards_the_next():
    assert times("1x0.5,1x1", "constant", phase=0.75) == pytest.approx([0.75])


def test_users_of_evenly_spaced_phases_make_evenly_spaced_arrivals():
    parts = [times("10x1", "constant", share=1 / 4, phase=user / 4) for user in range(4)]
    assert sorted(chain.from_iterable(parts)) == pytest.approx([number / 10 for number in range(10)])


def test_poisson_arrivals_have_the_rate_and_the_spread_of_poisson():
    found = times("100x200", "poisson")
    gaps = [after - before for before, after in pairwise(found)]
    assert len(found) == pytest.approx(20_000, rel=0.03)
    assert stdev(gaps) == pytest.approx(mean(gaps), rel=0.05)


def test_poisson_rates_hold_in_every_stage():
    found = times("50x100,0x10,200x100", "poisson")
    assert sum(time < 100 for time in found) == pytest.approx(5_000, rel=0.06)
    assert not any(100 <= time < 110 for time in found)
    assert sum(time >= 110 for time in found) == pytest.approx(20_000, rel=0.03)


def test_users_parts_of_poisson_arrivals_add_up_to_the_rate():
    parts = [times("100x100", "poisson", seed=user, share=1 / 4) for user in range(4)]
    assert sum(map(len, parts)) == pytest.approx(10_000, rel=0.05)


@pytest.mark.parametrize("process", ["poisson", "constant"])
def test_the_same_seed_gives_the_same_ascending_times(process):
    first, second = (list(islice(arrival_times(parse_rates("45"), process, Random(7)), 500)) for _ in range(2))
    assert first == second == sorted(first)


def test_a_schedule_gives_what_was_due_and_keeps_what_was_not():
    schedule = Schedule(iter([1.0, 2.0, 3.0, 4.0]))
    assert (schedule.due, schedule.take(), schedule.due) == (1.0, 1.0, 2.0)
    assert list(schedule.taken_until(3.0)) == [2.0, 3.0]
    assert list(schedule.taken_until(3.5)) == []
    assert (schedule.take(), schedule.due) == (4.0, None)
    assert list(schedule.taken_until(9.0)) == []
    with pytest.raises(ValueError, match="nothing is due any more"):
        schedule.take()
