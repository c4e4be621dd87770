from dataclasses import replace

import pytest

from campaign import doubts
from campaign.record import Knee
from campaign_record import CALM, first_run_otherwise, latency, overload_record, record, trial, with_target


def test_a_campaign_in_which_all_is_well_is_not_doubted():
    assert doubts.of_record(record()) == []


@pytest.mark.parametrize(
    ("doubted", "words"),
    [
        (lambda: record(rounds=1), "One round only"),
        (lambda: first_run_otherwise("closed", generator=replace(CALM, starved=True)), "starved in REST 1 user"),
        (
            lambda: first_run_otherwise("open", generator=replace(CALM, sent_late_p99_ms=51.0)),
            "sent more than 50 ms late",
        ),
        (lambda: first_run_otherwise("closed", outcomes={"right": 90, "wrong": 2}), "2 requests were answered wrongly"),
        (lambda: first_run_otherwise("mixed", outcomes={"right": 90, "lost": 1}), "1 request was lost, in mixed"),
        (lambda: first_run_otherwise("closed", outcomes={"right": 90, "late": 1}), "answered after the deadline"),
        (lambda: first_run_otherwise("closed", outcomes={"right": 90, "refused": 1}), "the rates there hold refusals"),
        (lambda: first_run_otherwise("closed", latency=latency(60.0, count=99)), "Fewer than 100 answers"),
        (lambda: with_target(record(), knee=Knee(2000.0, None, None, ())), "REST: No knee"),
        (lambda: with_target(record(), knee=Knee(2000.0, 60.0, 300.0, [trial(60.0, 300.0)])), "it may lie higher"),
        (lambda: with_target(record(), capacity_users=64), "most users tried (64)"),
        (lambda: with_target(record(), knee=Knee(100.0, 5.0, 90.0, [trial(6.0, 110.0)])), "At 50 % of capacity p99"),
        (lambda: overload_record(recovered_seconds=12.0), "past capacity, back to normal only 12.0 s"),
        (lambda: overload_record(workers_restarted=2), "past capacity, 2 workers restarted"),
        (lambda: overload_record(failed=3), "past capacity, the backend failed 3 times"),
        (lambda: overload_record(watched_seconds=6.0), "only 6 s were watched after the overload"),
        (lambda: overload_record(outcomes={"right": 90, "unsent": 2}), "2 requests were never sent, the generator's"),
        (
            lambda: first_run_otherwise("open", outcomes={"right": 90, "failed": 1}),
            "1 request was failed by the backend",
        ),
        (lambda: first_run_otherwise("closed", seconds=4.0), "only 4.0 s were left to measure, in 1 user"),
        (
            lambda: first_run_otherwise("mixed", latency=latency(200.0)),
            "Rate and latency don't belong together in mixed",
        ),
        (lambda: first_run_otherwise("open", answered_per_s=45.0), "Open loop reached 45.0 requests/s, more than"),
        (
            lambda: with_target(record(), knee=Knee(2000.0, 30.0, 9.0, [trial(35.0, 3e3, is_generators=True)])),
            "could not offer 35.0/s as it was to",
        ),
        (lambda: overload_record(unanswered=1), "past capacity, 1 request never ended"),
    ],
)
def test_what_speaks_against_the_figures_is_said(doubted, words):
    assert any(words in doubt for doubt in doubts.of_record(doubted()))


def test_rounds_that_lie_far_apart_are_said():
    whole = record()
    closed = [
        replace(run, answered_per_s=run.answered_per_s * (0.8 if run.round == 1 else 1)) if run.users == 32 else run
        for run in whole.targets["rest"].closed
    ]
    assert any("lie 2" in doubt and "% apart" in doubt for doubt in doubts.of_record(with_target(whole, closed=closed)))


def test_a_rate_that_is_not_reached_below_capacity_is_said():
    whole = record()
    slow = [replace(run, answered_per_s=0.9 * run.answered_per_s) for run in whole.targets["rest"].open]
    found = doubts.of_record(with_target(whole, open=slow))
    assert any(doubt.startswith("REST: At 50 % of capacity only 17.5 requests/s of 19.4") for doubt in found)


def test_a_rate_of_which_chance_sent_less_is_not_doubted():
    whole = record()
    fewer = [
        replace(run, answered_per_s=0.9 * run.answered_per_s, arrived_per_s=0.9 * run.arrived_per_s)
        for run in whole.targets["rest"].open
    ]
    assert doubts.of_record(with_target(whole, open=fewer)) == []


def test_the_reason_of_a_starved_generator_is_given_once_and_its_late_sending_not_again():
    starved = replace(CALM, starved=True, sent_late_p99_ms=80.0, reason="it used 97 % of a core")
    [doubt] = doubts.of_record(first_run_otherwise("open", generator=starved))
    assert "first since it used 97 % of a core" in doubt


def test_answers_from_the_cache_are_said():
    whole = record()
    hit = [replace(run, server=replace(run.server, cache_hits=500)) for run in whole.targets["rest"].closed]
    assert any("came from the score cache" in doubt for doubt in doubts.of_record(with_target(whole, closed=hit)))


def test_many_doubtful_runs_are_named_only_in_part():
    whole = record()
    starved = [replace(run, generator=replace(CALM, starved=True)) for run in whole.targets["rest"].closed]
    doubt = doubts.of_record(with_target(whole, closed=starved))[0]
    assert "REST 4 users (3 runs) and 4 more" in doubt
