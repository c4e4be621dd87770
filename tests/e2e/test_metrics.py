"""What :metrics/metrics shows moves with what was sent. The server is shared, so only differences are looked at."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests

import pictures
from serving.torchserve_process import TorchServeProcess

SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
OCTETS = {"Content-Type": "application/octet-stream"}
COUNTERS = (
    "NsfwBatches", "NsfwRequests", "NsfwImages", "NsfwModelInputs", "NsfwCacheHits", "NsfwCacheMisses",
    "NsfwDuplicates", "NsfwBatchSizes", "NsfwDecodeSeconds_count", "NsfwDecodeSeconds_sum",
    "NsfwInferenceSeconds_count", "NsfwInferenceSeconds_sum", "ts_queue_latency_microseconds",
)  # fmt: skip


def metrics(server: TorchServeProcess) -> str:
    """Return what Prometheus reads."""
    address = next(one for one in server.config.addresses() if one.setting.key == "metrics_address")
    return requests.get(f"{address.url}/metrics", timeout=60).text


def measured(server: TorchServeProcess) -> dict[str, float]:
    """Return every measurement: its name and labels, and summed over them by its name alone."""
    values: dict[str, float] = {}
    for name, labels, value in SAMPLE.findall(metrics(server)):
        values[f"{name}{{{labels}}}"] = float(value)
        values[name] = values.get(name, 0) + float(value)
    return values


def moved(server: TorchServeProcess, send: Callable[[], object], requests_sent: int) -> dict[str, float]:
    """Return by how much measurements moved; the worker's lines reach the server a moment after its answers."""
    before = measured(server)
    send()
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        after = measured(server)
        if after.get("NsfwRequests", 0) - before.get("NsfwRequests", 0) >= requests_sent:
            break
        time.sleep(0.1)
    time.sleep(1)
    after = measured(server)
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}


def post(server: TorchServeProcess, payload: bytes) -> int:
    url = f"{server.config.inference.url}/predictions/nsfw"
    return requests.post(url, payload, headers=OCTETS, timeout=60).status_code


def test_what_was_computed_what_was_cached_and_the_time_taken_are_counted(server):
    picture = pictures.encode(pictures.picture(987), "JPEG")
    first = moved(server, lambda: post(server, picture), 1)
    again = moved(server, lambda: post(server, picture), 1)
    counts = {name: first.get(name, 0) for name in COUNTERS if not name.endswith(("_sum", "microseconds"))}
    assert counts == {
        "NsfwBatches": 1, "NsfwRequests": 1, "NsfwImages": 1, "NsfwModelInputs": 1, "NsfwCacheHits": 0,
        "NsfwCacheMisses": 1, "NsfwDuplicates": 0, "NsfwBatchSizes": 1,
        "NsfwDecodeSeconds_count": 1, "NsfwInferenceSeconds_count": 1,
    }  # fmt: skip
    assert first["NsfwDecodeSeconds_sum"] > 0
    assert first["NsfwInferenceSeconds_sum"] > 0
    assert (again["NsfwCacheHits"], again.get("NsfwModelInputs", 0)) == (1, 0)
    assert not {name for name in again if name.startswith(("NsfwInferenceSeconds", "NsfwDecodeSeconds"))}


def test_batches_are_counted_by_their_size(server):
    payloads = [pictures.encode(pictures.picture(700 + seed), "PNG") for seed in range(8)]
    with ThreadPoolExecutor(8) as pool:
        changes = moved(server, lambda: list(pool.map(lambda payload: post(server, payload), payloads)), 8)
    sizes = {
        int(size[1]): count
        for name, count in changes.items()
        if (size := re.match(r"NsfwBatchSizes.*Size=\"(\d+)", name))
    }
    assert sum(size * count for size, count in sizes.items()) == 8
    assert sum(sizes.values()) == changes["NsfwBatches"]
    assert max(sizes) > 1


def test_seconds_fall_into_buckets_from_milliseconds_up(server):
    post(server, pictures.encode(pictures.picture(991), "PNG"))
    time.sleep(1)
    limits = [re.search(r"NsfwInferenceSeconds_bucket.*le=\"([^\"]+)\"", name) for name in measured(server)]
    assert {"0.005", "0.1", "1.0", "+Inf"} <= {limit[1] for limit in limits if limit}


def test_how_long_requests_wait_for_the_worker_is_shown(server):
    changes = moved(server, lambda: post(server, pictures.encode(pictures.picture(992), "PNG")), 1)
    assert changes["ts_queue_latency_microseconds"] > 0
    assert "QueueTime" in measured(server)


def test_every_metric_of_the_worker_is_declared_with_what_it_is(server):
    kinds = dict(re.findall(r"^# TYPE (\w+) (\w+)$", metrics(server), re.MULTILINE))
    assert kinds["NsfwDecodeSeconds"] == kinds["NsfwInferenceSeconds"] == "histogram"
    assert {kinds[name] for name in COUNTERS if "Seconds" not in name} == {"counter"}
