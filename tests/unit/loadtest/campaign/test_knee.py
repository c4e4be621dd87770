from dataclasses import replace

from campaign.knee import bracket, search, trial_of
from campaign.record import Trial
from campaign_record import open_run, trial

OBJECTIVE_MS = 1000.0


def server_that_takes(capacity: float, tried: list[float]):
    def attempt(rate: float) -> Trial:
        tried.append(rate)
        return trial(rate, 100.0) if rate <= capacity else trial(rate, 3000.0)

    return attempt


KNOWN = (trial(40, 100), trial(80, 5000))


def test_the_gap_between_what_is_kept_and_what_is_missed_is_halved():
    tried: list[float] = []
    knee = search(KNOWN, OBJECTIVE_MS, 3, server_that_takes(52, tried))
    assert tried == [60, 50, 55]
    assert (knee.rate_per_s, knee.p99_ms) == (50, 100)
    assert [one.rate_per_s for one in knee.tried] == [40, 80, 60, 50, 55]


def test_a_failure_misses_the_objective_however_quick_the_rest_was():
    assert not trial(40, 100, failures=1).keeps(OBJECTIVE_MS)
    assert not trial(40, None).keeps(OBJECTIVE_MS)
    assert trial(40, OBJECTIVE_MS).keeps(OBJECTIVE_MS)


def test_where_a_lower_rate_missed_it_a_higher_one_does_not_count():
    kept, missed = bracket([trial(40, 100), trial(60, 5000), trial(70, 100)], OBJECTIVE_MS)
    assert (kept.rate_per_s, missed.rate_per_s) == (40, 60)


def test_a_rate_that_missed_it_once_in_several_rounds_has_missed_it():
    kept, missed = bracket([trial(40, 100), trial(60, 100), trial(60, 5000)], OBJECTIVE_MS)
    assert (kept.rate_per_s, missed.rate_per_s) == (40, 60)


def test_where_nothing_was_kept_it_goes_down_and_where_everything_was_up():
    tried: list[float] = []
    assert search([trial(40, 5000)], OBJECTIVE_MS, 2, server_that_takes(12, tried)).rate_per_s == 10
    assert tried == [20, 10]
    assert search([trial(40, 100)], OBJECTIVE_MS, 1, server_that_takes(99, tried)).rate_per_s == 50


def test_no_rate_is_said_where_none_was_kept():
    knee = search([trial(40, 5000)], OBJECTIVE_MS, 0, server_that_takes(1, []))
    assert (knee.rate_per_s, knee.p99_ms) == (None, None)


def test_it_ends_where_the_gap_is_smaller_than_the_spread():
    tried: list[float] = []
    search([trial(79, 100), trial(80, 5000)], OBJECTIVE_MS, 4, server_that_takes(1, tried))
    assert tried == []


def test_a_rate_that_is_not_answered_as_it_arrives_is_not_kept_however_quick_the_answers_were():
    assert not trial(40, 100, arrived_per_s=42.0, answered_per_s=39.0).keeps(OBJECTIVE_MS)
    assert trial(40, 100, arrived_per_s=35.0, answered_per_s=34.0).keeps(OBJECTIVE_MS)  # chance sent fewer


def test_of_several_rounds_the_worst_is_told():
    knee = search([trial(40, 100), trial(40, 700), trial(40, 300), trial(80, 5000)], OBJECTIVE_MS, 0, lambda _: None)
    assert (knee.rate_per_s, knee.p99_ms) == (40, 700)


def test_a_trial_that_the_generator_spoiled_does_not_count_against_the_server_and_ends_the_search():
    spoiled = trial(60, 5000, is_generators=True)
    kept, missed = bracket([*KNOWN, spoiled], OBJECTIVE_MS)
    assert (kept.rate_per_s, missed.rate_per_s) == (40, 80)
    tried: list[float] = []

    def attempt(rate: float) -> Trial:
        tried.append(rate)
        return spoiled

    knee = search(KNOWN, OBJECTIVE_MS, 3, attempt)
    assert (tried, knee.rate_per_s, knee.tried[-1]) == ([60], 40, spoiled)


def test_what_a_starved_generator_offered_and_was_kept_all_the_same_counts():
    assert bracket([trial(40, 100, is_generators=True)], OBJECTIVE_MS)[0].rate_per_s == 40


def test_a_trial_tells_what_arrived_and_what_was_answered():
    found = trial_of(open_run(40.0, 80, 1))
    assert (found.rate_per_s, found.arrived_per_s, found.failures, found.is_generators) == (32, 32, 0, False)
    assert trial_of(replace(open_run(40.0, 80, 1), outcomes={"right": 3, "unsent": 1})).is_generators
