import pytest

from campaign import findings
from campaign.findings import Level
from campaign_record import bare_record, latency, overload_record, record


def test_what_happens_past_capacity_is_good_where_all_is_well():
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
        ({"workers_restarted": 1, "workers_after": None}, 3, Level.BAD, "answered no more afterwards"),
        ({"workers_restarted": 1, "workers_after": 0}, 3, Level.BAD, "no worker was ready any more"),
        ({"unsent": 9}, 4, Level.GOOD, "nothing hung"),
        ({"failed": 1}, 5, Level.BAD, "the backend failed once"),
        ({"failed": 1200}, 5, Level.BAD, "the backend failed 1,200 times"),
        ({"unanswered": 3}, 4, Level.BAD, "3 requests never ended"),
    ],
)
def test_each_behaviour_past_capacity_has_its_verdict(changes, place, level, words):
    verdict = findings.overload_verdicts(overload_record(**changes).targets["rest"])[place]
    assert verdict.level is level
    assert words in verdict.answer


def test_the_least_record_has_sentences_too():
    target = bare_record().targets["rest"]
    assert findings.at_what_latency(target) == "No rate that was tried kept p99 within 2,000 ms without an error."
    assert "no recovery within the 30 s" in findings.past_that(target)


def test_the_share_is_of_the_best_rate_seen_where_that_is_more_than_closed_loop_found():
    target = overload_record(capacity_per_s=45.0, offered_per_s=67.5).targets["rest"]
    assert findings.past_that(target).startswith("At 150 % of the best rate seen: ")
