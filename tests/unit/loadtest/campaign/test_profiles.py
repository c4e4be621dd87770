from dataclasses import replace

import pytest

from campaign import batching, stages
from campaign.findings import RECOVERY_SECONDS
from campaign.profiles import DEFAULT, FULL, QUICK, Profile

PROFILES = pytest.mark.parametrize("profile", [QUICK, DEFAULT, FULL], ids=lambda profile: profile.name)


def planned_minutes(profile: Profile, targets: int) -> float:
    each = stages.planned_seconds(profile, profile.warmup_seconds)
    return (targets * each + batching.planned_seconds(profile)) / 60


def test_quick_is_planned_to_take_less_than_three_minutes_with_both_targets():
    assert planned_minutes(QUICK, 2) < 3


def test_the_plan_includes_the_filling_of_the_queue():
    without = replace(QUICK, overload=replace(QUICK.overload, over_seconds=0))
    assert planned_minutes(QUICK, 1) == planned_minutes(without, 1)  # 80 places take longer than its three seconds


def test_the_default_and_the_full_campaign_take_what_the_help_says():
    assert 9 < planned_minutes(DEFAULT, 1) < 14
    assert 30 < planned_minutes(FULL, 1) < 45


@PROFILES
def test_every_profile_goes_from_one_user_to_64_and_beyond_capacity(profile: Profile):
    assert (min(profile.users), max(profile.users)) == (1, 64)
    assert profile.shares == (0.5, 0.8, 1.0, 1.5)


@PROFILES
def test_the_load_after_the_overload_is_watched_long_enough_for_a_recovery(profile: Profile):
    [(base, _), (over, _), (after, _)] = profile.overload.profile(40)
    assert (base, over, after) == (20, 60, 20)
    assert profile.overload.after_seconds > RECOVERY_SECONDS


def test_shorter_measurements_shorten_the_overload_too():
    short = QUICK.with_seconds(QUICK.seconds / 2)
    assert short.open_seconds == QUICK.open_seconds / 2
    assert short.overload.over_seconds == QUICK.overload.over_seconds / 2
    assert QUICK.with_seconds(QUICK.seconds) == QUICK


def test_what_drifts_meets_all_settings_alike():
    assert list(stages.alternating(2, "abc")) == [(1, "a"), (1, "b"), (1, "c"), (2, "c"), (2, "b"), (2, "a")]


def test_an_overload_lasts_until_the_queue_is_full_and_then_some():
    overload = QUICK.overload.filling(places=80, capacity_per_s=40)
    assert overload.over_seconds == 6  # 80 places at a surplus of 20 a second, and half as long again
    assert (overload.before_seconds, overload.after_seconds) == (2, 12)
    assert QUICK.overload.filling(places=80, capacity_per_s=1000) == QUICK.overload
    assert QUICK.overload.filling(places=80, capacity_per_s=0.1).over_seconds == 120
