"""Parallel work, results in order."""

import threading
import time

import pytest

from trust_nsfw.cli.in_order import in_order


def test_results_come_in_the_order_of_the_things_however_long_each_takes():
    def work(thing: int) -> int:
        time.sleep(0.02 if thing % 3 == 0 else 0)
        return thing * thing

    assert list(in_order(work, range(30), threads=4)) == [(thing, thing * thing) for thing in range(30)]


def test_no_more_than_twice_the_threads_are_ahead():
    begun: list[int] = []
    results = in_order(begun.append, range(1000), threads=2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 4
    results.close()


def test_what_work_raises_is_raised_in_its_place_and_nothing_further_begins():
    begun: list[int] = []
    second_may_fail = threading.Event()

    def work(thing: int) -> int:
        begun.append(thing)
        if thing == 2:
            second_may_fail.wait()
            raise LookupError(thing)
        return thing

    results = in_order(work, range(1000), threads=1)
    assert [next(results), next(results)] == [(0, 0), (1, 1)]
    second_may_fail.set()
    with pytest.raises(LookupError):
        next(results)
    time.sleep(0.05)
    assert len(begun) <= 4


def test_nothing_to_do_is_nothing():
    assert list(in_order(str, [], threads=3)) == []
