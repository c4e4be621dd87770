"""What TorchServe and the handler have counted since the server's start, and what of it happened between two looks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from measuring import prometheus


@dataclass(frozen=True, slots=True)
class Counters:
    """One look at :8082/metrics. Gauges are None where they aren't shown; TorchServe renews the memory once a minute.

    TorchServe counts a request when it arrives, refused ones too, and adds up how long requests waited over REST only.
    So requests are those that the handler saw in its batches, and over gRPC the wait is a gauge of the latest request.
    """

    queue_us: float = 0.0  # that REST's requests have waited in the queue, all together
    batch_sizes: Mapping[str, float] = field(default_factory=dict)
    cache_hits: float = 0.0
    cache_misses: float = 0.0
    latest_queue_ms: float | None = None  # of the latest request, over either transport
    memory_mib: float | None = None

    @classmethod
    def of(cls, text: str) -> "Counters":
        """Read Prometheus' text format; what isn't in it has not happened yet."""
        totals = prometheus.totals(text)
        return cls(
            queue_us=totals.get("ts_queue_latency_microseconds", 0.0),
            batch_sizes=prometheus.by_label(text, "NsfwBatchSizes", "Size"),
            cache_hits=totals.get("NsfwCacheHits", 0.0),
            cache_misses=totals.get("NsfwCacheMisses", 0.0),
            latest_queue_ms=totals.get("QueueTime"),
            memory_mib=totals.get("MemoryUsed"),
        )

    def since(self, before: "Counters") -> "Counters":
        """Return what was counted after `before`; the gauges are the later ones. Counters that went backwards are a new
        server's: then nothing is known.
        """
        sizes = {size: count - before.batch_sizes.get(size, 0.0) for size, count in self.batch_sizes.items()}
        queue_us = self.queue_us - before.queue_us
        hits, misses = self.cache_hits - before.cache_hits, self.cache_misses - before.cache_misses
        is_new = min(queue_us, hits, misses, *sizes.values()) < 0 or not before.batch_sizes.keys() <= sizes.keys()
        if is_new:
            return Counters(latest_queue_ms=self.latest_queue_ms, memory_mib=self.memory_mib)
        return Counters(
            queue_us=queue_us,
            batch_sizes={size: count for size, count in sizes.items() if count},
            cache_hits=hits,
            cache_misses=misses,
            latest_queue_ms=self.latest_queue_ms,
            memory_mib=self.memory_mib,
        )

    @property
    def requests(self) -> float:
        """How many requests reached the handler."""
        return sum(int(size) * count for size, count in self.batch_sizes.items())

    @property
    def queue_ms(self) -> float | None:
        """Mean wait of a request in TorchServe's queue; None when there was none, or none whose wait was counted."""
        return self.queue_us / 1000 / self.requests if self.requests and self.queue_us else None
