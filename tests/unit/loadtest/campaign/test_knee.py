from campaign.knee import Trial, bracket, search

OBJECTIVE_MS = 1000.0


def server_that_takes(capacity: float, tried: list[float]):
    def attempt(rate: float) -> Trial:
        tried.append(rate)
        return Trial(rate, 100.0, 0) if rate <= capacity else Trial(rate, 3000.0, 0)

    return attempt


KNOWN = (Trial(40, 100, 0), Trial(80, 5000, 0))


def test_the_gap_between_what_is_kept_and_what_is_missed_is_halved():
    tried: list[float] = []
    knee = search(KNOWN, OBJECTIVE_MS, 3, server_that_takes(52, tried))
    assert tried == [60, 50, 55]
    assert (knee.rate_per_s, knee.p99_ms) == (50, 100)
    assert [rate for rate, _, _ in knee.tried] == [40, 80, 60, 50, 55]


def test_a_failure_misses_the_objective_however_quick_the_rest_was():
    assert not Trial(40, 100, 1).keeps(OBJECTIVE_MS)
    assert not Trial(40, None, 0).keeps(OBJECTIVE_MS)
    assert Trial(40, OBJECTIVE_MS, 0).keeps(OBJECTIVE_MS)


def test_where_a_lower_rate_missed_it_a_higher_one_does_not_count():
    kept, missed = bracket([Trial(40, 100, 0), Trial(60, 5000, 0), Trial(70, 100, 0)], OBJECTIVE_MS)
    assert (kept.rate_per_s, missed.rate_per_s) == (40, 60)


def test_a_rate_that_missed_it_once_in_several_rounds_has_missed_it():
    kept, missed = bracket([Trial(40, 100, 0), Trial(60, 100, 0), Trial(60, 5000, 0)], OBJECTIVE_MS)
    assert (kept.rate_per_s, missed.rate_per_s) == (40, 60)


def test_where_nothing_was_kept_it_goes_down_and_where_everything_was_up():
    tried: list[float] = []
    assert search([Trial(40, 5000, 0)], OBJECTIVE_MS, 2, server_that_takes(12, tried)).rate_per_s == 10
    assert tried == [20, 10]
    assert search([Trial(40, 100, 0)], OBJECTIVE_MS, 1, server_that_takes(99, tried)).rate_per_s == 50


def test_no_rate_is_said_where_none_was_kept():
    knee = search([Trial(40, 5000, 0)], OBJECTIVE_MS, 0, server_that_takes(1, []))
    assert (knee.rate_per_s, knee.p99_ms) == (None, None)


def test_it_ends_where_the_gap_is_smaller_than_the_spread():
    tried: list[float] = []
    search([Trial(79, 100, 0), Trial(80, 5000, 0)], OBJECTIVE_MS, 4, server_that_takes(1, tried))
    assert tried == []
