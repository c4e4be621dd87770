import pytest

from campaign.summing import Window, closed_window, latency_of, sums_of
from campaign_samples import sample
from traffic.call import Outcome

OPEN, CLOSED = Window(10.0, 20.0, is_open=True), Window(10.0, 20.0, is_open=False)


def test_percentiles_are_values_that_were_measured():
    latency = latency_of(sample(0, float(ms)) for ms in range(1, 101))
    assert (latency.count, latency.p50, latency.p90, latency.p95, latency.p99, latency.most) == (
        100, 50, 90, 95, 99, 100,
    )  # fmt: skip
    assert latency_of([]) is None


def test_in_open_loop_a_request_counts_by_its_intended_time_however_late_it_is_answered():
    early, inside, answered_after = sample(9.9), sample(15), sample(19.9, 5000)
    sums = sums_of([early, inside, answered_after], OPEN)
    assert sums.outcomes == {"right": 2}
    assert sums.latency.most == 5000
    assert sums.arrived_per_s == pytest.approx(0.2)


def test_what_was_answered_within_the_window_makes_its_rate_whenever_it_was_asked_for():
    sums = sums_of([sample(9, 2000), sample(15), sample(19.9, 5000)], OPEN)
    assert sums.answered_per_s == pytest.approx(0.2)


def test_a_closed_loops_rate_is_not_cut_by_the_windows_edges():
    batches = [sample(second, 0.0) for second in (9.5, 11.5, 13.5, 15.5, 17.5, 19.5, 21.5) for _ in range(8)]
    assert sums_of(batches, CLOSED).answered_per_s == pytest.approx(4.0)


def test_late_answers_count_among_the_latencies_and_among_the_failures():
    sums = sums_of([sample(11), sample(12, 11_000, Outcome.LATE)], OPEN)
    assert sums.latency.most == 11_000
    assert sums.outcomes == {"late": 1, "right": 1}
    assert sums.errors == {"late": 1}


def test_refusals_have_a_latency_of_their_own():
    sums = sums_of([sample(11), sample(12, 3.0, Outcome.REFUSED)], OPEN)
    assert (sums.latency.count, sums.refusal_latency.count, sums.refusal_latency.most) == (1, 1, 3)
    assert sums.errors == {"overloaded": 1}


def test_what_was_never_answered_is_an_error_without_a_code():
    assert sums_of([sample(11, outcome=Outcome.LOST)], OPEN).errors == {"no answer": 1}


def test_errors_without_a_code_of_ours_go_by_their_status():
    wrong = sample(11, outcome=Outcome.WRONG, code="500")
    assert sums_of([wrong, wrong], OPEN).errors == {"500": 2}


def test_the_error_that_a_bad_file_must_get_is_no_failure_and_no_image():
    refused = sample(11, outcome=Outcome.EXPECTED_ERROR, code="400", error_code="corrupt_image", kind="bad")
    sums = sums_of([refused, sample(12, images=3)], OPEN)
    assert sums.errors == {}
    assert sums.outcomes == {"expected_error": 1, "right": 1}
    assert sums.answered_per_s == pytest.approx(0.2)
    assert sums.images_per_s == pytest.approx(0.3)
    assert set(sums.by_kind) == {"bad", "single"}


def test_an_empty_window_has_no_latency_and_no_rate():
    sums = sums_of([sample(5)], OPEN)
    assert (sums.latency, sums.answered_per_s, sums.images_per_s, sums.outcomes) == (None, 0, 0, {})


def users_in_batches(users: int, batch: int, batch_seconds: float, until_s: float) -> list:
    """Return what users in closed loop see of a server that answers a batch at a time, first come, first served."""
    queue, samples, now = [0.0] * users, [], 0.0
    while queue:
        now += batch_seconds
        answered, queue = queue[:batch], queue[batch:]
        samples += [sample(asked, 1000 * (now - asked)) for asked in answered]
        queue += [now] * len(answered) if now < until_s else []
    return sorted(samples, key=lambda one: one.intended_s)


def test_a_closed_loop_counts_once_every_user_was_answered_and_not_while_all_wait_for_the_first_batches():
    samples = users_in_batches(64, 8, 1.0, until_s=30)
    window = closed_window(samples, 64, warmup_seconds=0.5, seconds=10.0)
    assert (window.start_s, window.end_s) == (8.0, 18.0)
    sums = sums_of(samples, window)
    assert sums.answered_per_s == pytest.approx(8)
    assert sums.latency.p50 == sums.latency.mean == pytest.approx(8000)  # 64 users at 8/s: Little's law


def test_a_warm_up_that_takes_longer_is_waited_for():
    assert closed_window([sample(second, 100) for second in range(9)], 1, 3.0, 2.0) == Window(3.0, 5.0, is_open=False)


def test_a_load_that_is_too_short_gives_what_is_left_of_it_or_nothing():
    samples = users_in_batches(64, 8, 1.0, until_s=12)
    assert closed_window(samples, 64, 0.5, 10.0).seconds == pytest.approx(3)
    assert closed_window(users_in_batches(64, 8, 1.0, until_s=5), 64, 0.5, 10.0) is None
    assert closed_window(samples[:63], 64, 0.5, 10.0) is None


def test_in_closed_loop_a_request_that_outlasts_the_window_counts_with_all_its_latency():
    sums = sums_of([sample(11), sample(19, 30_000), sample(9, 2000)], CLOSED)
    assert (sums.latency.count, sums.latency.most) == (2, 30_000)


def test_in_closed_loop_a_failure_counts_whenever_it_came():
    before, after = sample(1, 100, Outcome.LOST), sample(9, 25_000, Outcome.FAILED)
    sums = sums_of([before, sample(11), after], CLOSED)
    assert sums.outcomes == {"failed": 1, "lost": 1, "right": 1}
    assert sums.errors == {"no answer": 1, "503": 1}


def test_what_was_never_sent_has_arrived_and_is_no_error_of_the_server():
    sums = sums_of([sample(11), sample(12, outcome=Outcome.UNSENT)], OPEN)
    assert sums.arrived_per_s == pytest.approx(0.2)
    assert (sums.outcomes, sums.errors) == ({"right": 1, "unsent": 1}, {})
