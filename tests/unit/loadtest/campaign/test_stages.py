import pytest

from campaign.errors import CampaignError
from campaign.profiles import DEFAULT, QUICK
from campaign.stages import capacity_of, closed_plan, open_plan
from campaign_record import run


def closed(users: int, *rates: float):
    return [run("closed", f"{users} users", turn, rate, users=users) for turn, rate in enumerate(rates, start=1)]


def test_the_capacity_is_the_highest_median_and_not_the_luckiest_round():
    found = [*closed(8, 40, 41, 42), *closed(16, 30, 39, 90), *closed(1, 20, 20, 20)]
    assert capacity_of(found) == (41, 8)


def test_without_an_answer_there_is_no_capacity():
    with pytest.raises(CampaignError, match="no capacity"):
        capacity_of(closed(8, 0.0))


def test_every_concurrency_is_measured_in_every_round_and_every_second_round_backwards():
    users = [one.users for one in closed_plan(DEFAULT)]
    assert users == [1, 2, 4, 8, 16, 32, 64, 64, 32, 16, 8, 4, 2, 1, 1, 2, 4, 8, 16, 32, 64]


def test_open_loop_offers_shares_of_the_capacity_warm_up_included_and_expects_refusals():
    first, *_, last = open_plan(QUICK, 1.0, 40.0)
    assert (first.setting, first.rates) == ("50 %", ((20.0, 1.0 + QUICK.open_seconds),))
    assert (last.setting, last.rates[0][0]) == ("150 %", 60.0)
    assert first.flags == ("--refusals-expected",)
    assert first.users is None
