import pytest

from campaign.recovery import Parts, recovered_seconds, timeline
from campaign_samples import sample
from traffic.call import Outcome

PARTS = Parts.of(100.0, ((10, 5), (30, 5), (10, 10)))
BASELINE_MS = 200.0


def test_the_parts_follow_from_the_profile():
    assert (PARTS.start_s, PARTS.over_start_s, PARTS.over_end_s, PARTS.end_s) == (100, 105, 110, 120)


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ([sample(110.5), sample(111)], 0.5),
        ([sample(110.5, outcome=Outcome.REFUSED), sample(111)], 1.0),
        ([sample(110.5, outcome=Outcome.LOST), sample(111)], 1.0),
        ([sample(110.5), sample(111, outcome=Outcome.UNSENT)], 0.5),
        ([sample(110.5, 12_000, Outcome.LATE), sample(111)], 1.0),
        ([sample(110.5, 451), sample(111, 450)], 1.0),
        ([sample(110.5), sample(111, 2000), sample(115)], 5.0),
        ([sample(110.5), sample(119, 2000)], None),
        ([], None),
    ],
    ids=["at once", "refused", "lost", "unsent", "late", "slow", "slow again", "slow at the end", "nothing came"],
)
def test_it_has_recovered_from_the_first_request_on_after_which_all_were_as_before(after, seconds):
    during = [sample(107, 5000), sample(109, outcome=Outcome.REFUSED)]
    assert recovered_seconds([*after, *during], PARTS, BASELINE_MS) == seconds


def test_twice_a_long_baseline_is_as_before():
    assert recovered_seconds([sample(111, 1900)], PARTS, 1000.0) == 1.0


def test_the_timeline_has_requests_where_they_were_to_be_sent_and_answers_where_they_came():
    samples = [sample(100.2, 4000), sample(100.7), sample(105.1, 2.0, Outcome.REFUSED), sample(119.9)]
    course = timeline(samples, PARTS, 1.0)
    assert len(course) == 20
    assert (course[0].second, course[0].offered_per_s, course[0].right_per_s, course[0].p99_ms) == (0, 2, 1, 4000)
    assert course[4].right_per_s == 1  # of the one that waited four seconds
    assert (course[5].offered_per_s, course[5].refused_per_s, course[5].p99_ms) == (1, 1, None)
    assert (course[19].offered_per_s, course[19].right_per_s) == (1, 0)  # its answer came after the end


def test_the_timeline_reaches_to_the_profiles_end():
    parts = Parts.of(0.0, ((10, 2), (30, 3), (10, 4.2)))
    assert [one.second for one in timeline([sample(9.1)], parts, 0.5)][-1] == 9.0
    assert timeline([sample(9.1)], parts, 0.5)[-1].offered_per_s == 2
