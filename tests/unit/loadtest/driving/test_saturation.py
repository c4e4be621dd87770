"""From which number of users on more of them get no more answered."""

import pytest

from driving.saturation import Step, saturation


@pytest.mark.parametrize(
    ("rates", "users"),
    [
        ([], None),
        ([10], None),
        ([10, 20, 30, 40], None),  # still growing
        ([10, 20, 30, 30.5], None),  # one step without growth is not enough
        ([10, 20, 30, 30.5, 30.2], 12),
        ([10, 20, 30, 30.5, 40], None),  # it went on after all
        ([10, 20, 30, 15, 12], 12),  # it collapsed
        ([10, 29, 30, 30, 29], 8),  # the fewest that come near the best
        ([10, 10, 10], 4),  # one user was enough
    ],
)
def test_saturation_is_the_fewest_users_near_the_best_rate_once_growth_has_ended(rates, users):
    steps = [Step(4 * (number + 1), rate) for number, rate in enumerate(rates)]
    found = saturation(steps, patience=2)
    assert (found and found.users) == users
