"""What TorchServe and the handler have counted since the server's start, and what of it happened between two looks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from measuring import prometheus


@dataclass(frozen=True, slots=True)
class Counters:
    """One look at :8082/metrics. Gauges are None where they aren't shown; TorchServe renews them once a minute."""

    requests: float = 0.0  # that TorchServe took from its queue
    queue_us: float = 0.0  # that these have waited in it, all together
    batch_sizes: Mapping[str, float] = field(default_factory=dict)
    cache_hits: float = 0.0
    cache_misses: float = 0.0
    cpu_percent: float | None = None  # of the server's whole machine
    memory_mib: float | None = None

    @classmethod
    def of(cls, text: str) -> "Counters":
        """Read Prometheus' text format; what isn't in it has not happened yet."""
        totals = prometheus.totals(text)
        return cls(
            requests=totals.get("ts_inference_requests", 0.0),
            queue_us=totals.get("ts_queue_latency_microseconds", 0.0),
            batch_sizes=prometheus.by_label(text, "NsfwBatchSizes", "Size"),
            cache_hits=totals.get("NsfwCacheHits", 0.0),
            cache_misses=totals.get("NsfwCacheMisses", 0.0),
            cpu_percent=totals.get("CPUUtilization"),
            memory_mib=totals.get("MemoryUsed"),
        )

    def since(self, before: "Counters") -> "Counters":
        """Return what was counted after `before`; the gauges are the later ones."""
        sizes = {size: count - before.batch_sizes.get(size, 0.0) for size, count in self.batch_sizes.items()}
        return Counters(
            requests=self.requests - before.requests,
            queue_us=self.queue_us - before.queue_us,
            batch_sizes={size: count for size, count in sizes.items() if count},
            cache_hits=self.cache_hits - before.cache_hits,
            cache_misses=self.cache_misses - before.cache_misses,
            cpu_percent=self.cpu_percent,
            memory_mib=self.memory_mib,
        )

    @property
    def queue_ms(self) -> float | None:
        """Mean wait of a request in TorchServe's queue, None when there was none."""
        return self.queue_us / 1000 / self.requests if self.requests else None
