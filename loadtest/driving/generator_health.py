"""Whether the generator itself was the bottleneck: its CPU, how late its event loop woke, how late it sent."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import gevent

from measuring.spread import percentile

CPU_LIMIT = 0.9
"""Of one core: gevent runs on one, and near the whole of it requests wait for the generator."""
WAKE_LAG_LIMIT_MS = 50.0
"""At the 99th percentile: every latency measured is then that much too long, one time in a hundred."""
SENT_LATE_LIMIT_MS = 50.0
"""At the 99th percentile, in open loop: beyond it the rate that was offered is not the one that was meant. It shows as
well where other programs hold the cores, and this one neither uses much CPU nor oversleeps by much at a time."""
WAKE_SECONDS = 0.02  # between two looks: 50 a second cost nothing and find a hundredth in two seconds


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Of one quantity in ms."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, values_ms: Sequence[float]) -> "Quantiles":
        """Return those of some values; zeros of none."""
        values_ms = values_ms or [0.0]
        return cls(percentile(values_ms, 50), percentile(values_ms, 99), max(values_ms))


@dataclass(frozen=True, slots=True)
class GeneratorHealth:
    """One process over a test. `cpu_share` is of one core; `sent_late_ms` None in closed loop."""

    cpu_share: float
    wake_lag_ms: Quantiles
    sent_late_ms: Quantiles | None
    starved: bool
    reason: str


def assess(cpu_share: float, wake_lag_ms: Sequence[float], sent_late_ms: Sequence[float] | None) -> GeneratorHealth:
    """Say whether the figures of a test with these values can be trusted."""
    lag = Quantiles.of(wake_lag_ms)
    reasons = []
    if cpu_share > CPU_LIMIT:
        reasons.append(f"it used {cpu_share:.0%} of a core (limit {CPU_LIMIT:.0%})")
    if lag.p99 > WAKE_LAG_LIMIT_MS:
        reasons.append(f"one wake-up in a hundred came {lag.p99:.0f} ms late or more (limit {WAKE_LAG_LIMIT_MS:g} ms)")
    late = None if sent_late_ms is None else Quantiles.of(sent_late_ms)
    if late is not None and late.p99 > SENT_LATE_LIMIT_MS:
        reasons.append(
            f"one request in a hundred left {late.p99:.0f} ms late or more (limit {SENT_LATE_LIMIT_MS:g} ms)"
        )
    return GeneratorHealth(cpu_share, lag, late, bool(reasons), "; ".join(reasons))


class Watch:
    """Watches this process from its start to its stop."""

    def __init__(self) -> None:
        """Start."""
        self._begun, self._cpu_begun = time.perf_counter(), time.process_time()
        self._lags_ms: list[float] = []
        self._greenlet = gevent.spawn(self._look)

    def stop(self, sent_late_ms: Sequence[float] | None) -> GeneratorHealth:
        """Stop, and say how it was."""
        self._greenlet.kill()
        wall_seconds = max(time.perf_counter() - self._begun, 1e-9)
        return assess((time.process_time() - self._cpu_begun) / wall_seconds, self._lags_ms, sent_late_ms)

    def _look(self) -> None:
        while True:
            due = time.perf_counter() + WAKE_SECONDS
            gevent.sleep(WAKE_SECONDS)
            self._lags_ms.append(max(0.0, time.perf_counter() - due) * 1000)
