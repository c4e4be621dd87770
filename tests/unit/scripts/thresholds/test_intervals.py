import math

import numpy as np
import pytest
from scipy.stats import binomtest

from thresholds.intervals import Rate, clopper_pearson, effective_images, further_images, share_that_promises


@pytest.mark.parametrize(("hits", "cases"), [(0, 10), (10, 10), (79, 80), (490, 500)])
def test_the_interval_is_clopper_and_pearsons(hits, cases):
    exact = binomtest(hits, cases).proportion_ci(0.95, method="exact")
    assert clopper_pearson(hits, cases) == pytest.approx((exact.low, exact.high))


def test_near_duplicates_count_as_one_image():
    weights, groups = np.ones(100), np.repeat(np.arange(10), 10)
    assert effective_images(weights, groups) == pytest.approx(10)
    rate = Rate.of(groups != 0, weights, groups)
    assert (rate.value, rate.images) == (pytest.approx(0.9), 100)
    assert (rate.low, rate.high) == pytest.approx(clopper_pearson(9, 10))


def test_unequal_weights_leave_fewer_images():
    assert effective_images(np.array([1.0, 1.0, 2.0]), np.arange(3)) == pytest.approx(16 / 6)


def test_a_share_of_no_images_is_unknown():
    rate = Rate.of(np.zeros(0, dtype=bool), np.zeros(0), np.zeros(0, dtype=np.int64))
    assert math.isnan(rate.value)
    assert (rate.low, rate.high) == (0, 1)
    assert str(rate) == "unknown"


def test_183_images_without_a_miss_are_the_fewest_that_promise_098():
    assert math.ceil(math.log(0.025) / math.log(0.98)) == 183
    assert share_that_promises(0.98, 182) is None
    assert share_that_promises(0.98, 183) == pytest.approx(1, abs=1e-4)
    assert further_images(0.98, 0, 0) == 183
    assert further_images(0.98, 0, 80) == 103
    assert further_images(0.98, 0, 183) == 0


def test_every_miss_has_to_be_made_up_for():
    more = further_images(0.98, 1, 80)
    assert clopper_pearson(80 + more - 1, 80 + more)[0] >= 0.98
    assert clopper_pearson(80 + more - 2, 79 + more)[0] < 0.98


def test_a_target_of_1_is_promised_by_no_number_of_images():
    assert further_images(1.0, 0, 1000) is None
    assert share_that_promises(1.0, 1000) is None


def test_the_least_share_that_promises_is_just_promised():
    least = share_that_promises(0.98, 1000)
    assert clopper_pearson(1000 * least, 1000)[0] == pytest.approx(0.98)
