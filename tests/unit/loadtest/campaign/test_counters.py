import pytest

from campaign.counters import Counters

METRICS = """# HELP ts_inference_requests_total Torchserve prometheus counter metric with unit: Count
# TYPE ts_inference_requests_total counter
ts_inference_requests_total{model_name="nsfw",model_version="1.0",hostname="a",} 99.0
# TYPE ts_queue_latency_microseconds counter
ts_queue_latency_microseconds{model_name="nsfw",model_version="1.0",hostname="a",} 80000.0
# TYPE NsfwBatchSizes counter
NsfwBatchSizes{Size="1",ModelName="nsfw",Level="Model",Hostname="a",} 8.0
NsfwBatchSizes{Size="8",ModelName="nsfw",Level="Model",Hostname="a",} 4.0
# TYPE NsfwCacheMisses counter
NsfwCacheMisses{ModelName="nsfw",Level="Model",Hostname="a",} 40.0
# TYPE MemoryUsed gauge
MemoryUsed{Level="Host",Hostname="a",} 1500.5
# TYPE QueueTime gauge
QueueTime{Level="Host",Hostname="a",} 7.0
"""


OVER_GRPC = METRICS.replace("80000.0", "0.0")


def test_torchserves_text_is_read():
    counters = Counters.of(METRICS)
    assert counters.batch_sizes == {"1": 8, "8": 4}
    assert (counters.cache_hits, counters.cache_misses) == (0, 40)
    assert (counters.memory_mib, counters.latest_queue_ms) == (1500.5, 7)


def test_the_wait_is_that_of_requests_that_reached_the_handler_and_not_of_refused_ones_too():
    assert (Counters.of(METRICS).requests, Counters.of(METRICS).queue_ms) == (40, 2)


def test_a_wait_that_is_not_added_up_as_over_grpc_is_unknown_and_not_nothing():
    assert Counters.of(OVER_GRPC).queue_ms is None


def test_what_has_not_happened_yet_is_nothing_and_gauges_that_are_not_shown_are_unknown():
    counters = Counters.of("")
    assert counters == Counters()
    assert (counters.queue_ms, counters.memory_mib, counters.latest_queue_ms) == (None, None, None)


def test_between_two_looks_counters_differ_and_gauges_are_the_later():
    later = METRICS.replace("} 40.0", "} 60.0").replace("80000", "180000").replace("} 4.0", "} 6.0")
    during = Counters.of(later.replace("1500.5", "1600")).since(Counters.of(METRICS))
    assert (during.requests, during.queue_ms, during.cache_misses) == (16, pytest.approx(100 / 16), 20)
    assert during.batch_sizes == {"8": 2}
    assert during.memory_mib == 1600


@pytest.mark.parametrize(
    "later",
    [METRICS.replace("} 40.0", "} 3.0"), METRICS.replace("80000", "5"), METRICS.replace("} 4.0", "} 1.0"), ""],
    ids=["misses", "queue", "batches", "nothing yet"],
)
def test_counters_of_a_server_that_began_anew_tell_nothing_and_never_less_than_nothing(later: str):
    during = Counters.of(later).since(Counters.of(METRICS))
    assert (during.requests, during.queue_ms, during.cache_misses, during.batch_sizes) == (0, None, 0, {})
