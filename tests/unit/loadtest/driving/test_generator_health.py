"""Whether a generator's figures are its own."""

import gevent
import pytest

from driving.generator_health import Quantiles, Watch, assess


@pytest.mark.parametrize(
    ("cpu_share", "lags_ms", "reason"),
    [
        (0.3, [1.0] * 100, ""),
        (0.9, [50.0] * 100, ""),
        (0.95, [1.0], "it used 95% of a core (limit 90%)"),
        (0.3, [1.0] * 98 + [80.0] * 2, "one wake-up in a hundred came 80 ms late or more (limit 50 ms)"),
        (0.3, [1.0] * 99 + [80.0], ""),
        (0.2, [], ""),
    ],
)
def test_a_starved_generator_is_told_by_its_cpu_or_its_wake_ups(cpu_share, lags_ms, reason):
    health = assess(cpu_share, lags_ms, None)
    assert (health.starved, health.reason) == (bool(reason), reason)


def test_a_generator_that_sends_late_is_starved_whoever_holds_the_cores():
    health = assess(0.38, [20.0] * 100, [10.0] * 98 + [2000.0] * 2)
    assert health.starved
    assert health.reason == "one request in a hundred left 2000 ms late or more (limit 50 ms)"
    assert not assess(0.38, [20.0] * 100, [10.0] * 99 + [2000.0]).starved


def test_how_late_requests_were_sent_is_summed_up_in_open_loop_only():
    assert assess(0.1, [], None).sent_late_ms is None
    assert assess(0.1, [], []).sent_late_ms == Quantiles(0, 0, 0)
    assert assess(0.1, [], [1.0, 2.0, 9.0]).sent_late_ms == Quantiles(2.0, 9.0, 9.0)


def test_an_event_loop_that_is_held_up_shows_in_the_wake_ups():
    watch = Watch()
    gevent.sleep(0.05)
    until = gevent.get_hub().loop.now() + 0.2
    while gevent.get_hub().loop.update_now() or gevent.get_hub().loop.now() < until:
        pass
    gevent.sleep(0.05)
    health = watch.stop(None)
    assert health.wake_lag_ms.max > 100
    assert health.starved
