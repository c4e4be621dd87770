import pytest

from campaign.counters import Counters
from campaign.watch import Look, use_between


def look(second: float, worker: float, queue_us: float = 0.0, pid: int = 7) -> Look:
    sizes = {"8": second, "1": 2 * second}
    counters = Counters(queue_us=queue_us, batch_sizes=sizes, latest_queue_ms=10 * second)
    pids = {"worker": [pid], "java": [1]}
    return Look(second, counters, {"worker": worker, "java": 0.1 * second}, 100.0 + second, pids)


LOOKS = [look(0, 0.0), look(1, 1.5, 1000.0), look(2, 3.0, 2000.0), look(3, 5.0, 3e6), look(4, 5.0, 9e6)]


def test_what_came_before_and_after_the_window_is_left_out():
    use = use_between(LOOKS, 1.1, 2.2)
    assert use.source == "processes"
    assert (use.worker_cores, use.java_cores) == (pytest.approx(1.5), pytest.approx(0.1))
    assert use.queue_ms == pytest.approx(0.1)
    assert list(use.batch_sizes.items()) == [("1", 2), ("8", 1)]
    assert use.memory_mib == 102


def test_a_worker_that_ended_meanwhile_leaves_a_gap_and_not_a_failure():
    use = use_between([LOOKS[0], Look(1, None, None, None), LOOKS[2]], 0, 2)
    assert use.worker_cores == pytest.approx(1.5)
    assert use.queue_ms == pytest.approx(0.1)


def test_the_cpu_of_workers_that_others_replaced_is_unknown():
    use = use_between([look(0, 900.0), look(1, 900.5), look(3, 0.5, pid=8)], 0, 3)
    assert (use.worker_cores, use.java_cores) == (None, pytest.approx(0.1))


def test_where_waits_are_not_added_up_the_gauge_of_the_latest_request_is_averaged():
    assert use_between([look(second, 0.0) for second in range(5)], 1, 3).queue_ms == 20


def test_without_processes_torchserves_own_memory_is_told_and_its_source():
    later = Counters(batch_sizes={"1": 5}, memory_mib=950)
    use = use_between([Look(0, Counters(memory_mib=900), None, None), Look(1, later, None, None)], 0, 1)
    assert (use.source, use.worker_cores, use.memory_mib) == ("prometheus", None, 950)


def test_a_server_that_shows_nothing_has_no_figures():
    use = use_between([Look(0, None, None, None)], 0, 1)
    assert (use.queue_ms, use.memory_mib, use.batch_sizes, use.cache_misses) == (None, None, {}, 0)
