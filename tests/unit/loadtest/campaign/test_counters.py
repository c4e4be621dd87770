import pytest

from campaign.counters import Counters

METRICS = """# HELP ts_inference_requests_total Torchserve prometheus counter metric with unit: Count
# TYPE ts_inference_requests_total counter
ts_inference_requests_total{model_name="nsfw",model_version="1.0",hostname="a",} 40.0
# TYPE ts_queue_latency_microseconds counter
ts_queue_latency_microseconds{model_name="nsfw",model_version="1.0",hostname="a",} 80000.0
# TYPE NsfwBatchSizes counter
NsfwBatchSizes{Size="1",ModelName="nsfw",Level="Model",Hostname="a",} 8.0
NsfwBatchSizes{Size="8",ModelName="nsfw",Level="Model",Hostname="a",} 4.0
# TYPE NsfwCacheMisses counter
NsfwCacheMisses{ModelName="nsfw",Level="Model",Hostname="a",} 40.0
# TYPE MemoryUsed gauge
MemoryUsed{Level="Host",Hostname="a",} 1500.5
# TYPE CPUUtilization gauge
CPUUtilization{Level="Host",Hostname="a",} 42.0
"""


def test_torchserves_text_is_read():
    counters = Counters.of(METRICS)
    assert counters.batch_sizes == {"1": 8, "8": 4}
    assert (counters.requests, counters.queue_ms) == (40, 2)
    assert (counters.cache_hits, counters.cache_misses) == (0, 40)
    assert (counters.memory_mib, counters.cpu_percent) == (1500.5, 42)


def test_what_has_not_happened_yet_is_nothing_and_gauges_that_are_not_shown_are_unknown():
    counters = Counters.of("")
    assert counters == Counters()
    assert (counters.queue_ms, counters.memory_mib) == (None, None)


def test_between_two_looks_counters_differ_and_gauges_are_the_later():
    later = METRICS.replace("} 40.0", "} 60.0").replace("80000", "180000").replace('"8",', '"16",')
    during = Counters.of(later.replace("1500.5", "1600")).since(Counters.of(METRICS))
    assert (during.requests, during.queue_ms, during.cache_misses) == (20, pytest.approx(5), 20)
    assert during.batch_sizes == {"16": 4}
    assert during.memory_mib == 1600
