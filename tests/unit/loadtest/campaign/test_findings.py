from dataclasses import replace

import pytest

from campaign import findings
from campaign.findings import Level
from campaign.record import Knee, Record
from campaign_record import CALM, bare_record, latency, record, with_target


def overload_record(**changes: object) -> Record:
    """Return a record whose REST overload, or the run in it, went otherwise."""
    whole = record()
    over = whole.targets["rest"].overload
    run_changes = {name: changes.pop(name) for name in list(changes) if hasattr(over.run, name)}
    return with_target(whole, overload=replace(over, run=replace(over.run, **run_changes), **changes))


def first_run_otherwise(part: str, **changes: object) -> Record:
    """Return a record of which REST's first run of a part has other values."""
    whole = record()
    first, *others = getattr(whole.targets["rest"], part)
    return with_target(whole, **{part: [replace(first, **changes), *others]})


def test_a_campaign_in_which_all_is_well_is_not_doubted():
    assert findings.doubts(record()) == []
    assert {one.level for one in findings.overload_verdicts(record().targets["grpc"])} == {Level.GOOD}


def test_the_three_answers_name_their_figures():
    target = record().targets["rest"]
    assert findings.capacity(target) == "It takes 38.9 requests/s with 32 users waiting (38.0 to 39.1 over the rounds)."
    assert "Up to 35.8 requests/s" in findings.at_what_latency(target)
    assert "(it was 612 ms)" in findings.at_what_latency(target)
    past = findings.past_that(target)
    assert past.startswith("At 150 % of capacity: ")
    assert "refused at once, p99 20 ms" in past and "2.4 s after the load" in past and "nothing hangs" in past


@pytest.mark.parametrize(
    ("changes", "place", "level", "words"),
    [
        ({"outcomes": {"right": 300}}, 0, Level.DOUBTFUL, "nothing was refused"),
        ({"refusal_latency": latency(250 / 1.6)}, 0, Level.GOOD, "at once"),
        ({"refusal_latency": latency(400.0)}, 0, Level.BAD, "slowly"),
        ({"refusal_latency": None}, 0, Level.UNKNOWN, "refused"),
        ({"latency": None}, 1, Level.BAD, "no accepted request"),
        ({"latency": latency(2000 / 1.6)}, 1, Level.GOOD, "2,000 ms"),
        ({"latency": latency(2400 / 1.6)}, 1, Level.DOUBTFUL, "beyond 2,000 ms"),
        ({"latency": latency(6000 / 1.6)}, 1, Level.BAD, "6,000 ms"),
        ({"outcomes": {"right": 300, "refused": 9, "lost": 2}}, 1, Level.BAD, "2 lost among"),
        ({"recovered_seconds": 10.0}, 2, Level.GOOD, "10.0 s"),
        ({"recovered_seconds": 10.5}, 2, Level.BAD, "only 10.5 s"),
        ({"recovered_seconds": None}, 2, Level.BAD, "within the 30 s that were watched"),
        ({"workers_restarted": 1}, 3, Level.BAD, "1 worker restarted"),
        ({"unanswered": 3}, 4, Level.BAD, "3 requests never ended"),
    ],
)
def test_each_behaviour_past_capacity_has_its_verdict(changes, place, level, words):
    verdict = findings.overload_verdicts(overload_record(**changes).targets["rest"])[place]
    assert verdict.level is level
    assert words in verdict.answer


@pytest.mark.parametrize(
    ("doubted", "words"),
    [
        (lambda: record(rounds=1), "One round only"),
        (lambda: first_run_otherwise("closed", generator=replace(CALM, starved=True)), "starved of CPU in REST 1 user"),
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
        (lambda: with_target(record(), knee=Knee(2000.0, 60.0, 300.0, ((60.0, 300.0, 0),))), "it may lie higher"),
        (lambda: with_target(record(), capacity_users=64), "most users tried (64)"),
        (lambda: with_target(record(), knee=Knee(100.0, 5.0, 90.0, ((6.0, 110.0, 0),))), "At 50 % of capacity p99"),
        (lambda: overload_record(recovered_seconds=12.0), "past capacity, back to normal only 12.0 s"),
        (lambda: overload_record(workers_restarted=2), "past capacity, 2 workers restarted"),
        (lambda: overload_record(unanswered=1), "past capacity, 1 request never ended"),
    ],
)
def test_what_speaks_against_the_figures_is_said(doubted, words):
    assert any(words in doubt for doubt in findings.doubts(doubted()))


def test_rounds_that_lie_far_apart_are_said():
    whole = record()
    closed = [
        replace(run, answered_per_s=run.answered_per_s * (0.8 if run.round == 1 else 1)) if run.users == 32 else run
        for run in whole.targets["rest"].closed
    ]
    assert any("lie 2" in doubt and "% apart" in doubt for doubt in findings.doubts(with_target(whole, closed=closed)))


def test_a_rate_that_is_not_reached_below_capacity_is_said():
    whole = record()
    slow = [replace(run, answered_per_s=0.9 * run.answered_per_s) for run in whole.targets["rest"].open]
    found = findings.doubts(with_target(whole, open=slow))
    assert any(doubt.startswith("REST: At 50 % of capacity only 17.5 requests/s of 19.4") for doubt in found)


def test_answers_from_the_cache_are_said():
    whole = record()
    hit = [replace(run, server=replace(run.server, cache_hits=500)) for run in whole.targets["rest"].closed]
    assert any("came from the score cache" in doubt for doubt in findings.doubts(with_target(whole, closed=hit)))


def test_the_least_record_has_sentences_too():
    target = bare_record().targets["rest"]
    assert findings.at_what_latency(target) == "No rate that was tried kept p99 within 2,000 ms without an error."
    assert "no recovery within the 30 s" in findings.past_that(target)


def test_many_doubtful_runs_are_named_only_in_part():
    whole = record()
    starved = [replace(run, generator=replace(CALM, starved=True)) for run in whole.targets["rest"].closed]
    doubt = findings.doubts(with_target(whole, closed=starved))[0]
    assert "REST 4 users (3 runs) and 4 more" in doubt
