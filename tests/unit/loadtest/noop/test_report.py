from typing import Any

import pytest

from noop import report


def measured(requests_per_s: float, generator_ms: float, strangers_share: float = 0.0) -> dict[str, Any]:
    cpu_ms = {"generator": generator_ms, "java": 0.2, "worker": 0.1}
    return {
        "requests_per_s": requests_per_s,
        "cpu_ms": cpu_ms,
        "answered": 1000,
        "strangers_share": strangers_share,
    }


def record(*checked_per_s: float, strangers_share: float = 0.0) -> dict[str, Any]:
    return {
        "started_utc": "2026-01-02 03:04 UTC",
        "command": "python loadtest/generator_bench.py",
        "machine": {
            "cpu": "A Processor",
            "cores": 2,
            "memory_gib": 24.0,
            "system": "Linux 6",
            "versions": {"python": "3.11", "torchserve": "0.12.0"},
        },
        "locust": "2.47.0",
        "users": 16,
        "seconds": 5.0,
        "pictures": 32,
        "mean_picture_kb": 20.4,
        "rounds": [
            {report.CHECKED: measured(rate, 0.25, strangers_share), report.PLAIN: measured(2 * rate, 0.125)}
            for rate in checked_per_s
        ],
    }


@pytest.mark.parametrize(("rates", "verdict"), [((900.0, 1000.0, 1100.0), "met"), ((999.0,), "**not met**")])
def test_the_goal_is_held_against_the_median(rates, verdict):
    [row] = [line for line in report.markdown(record(*rates)).splitlines() if "≥" in line]
    assert row.endswith(f"| {verdict} |")


def test_ratios_are_of_each_round_and_cpu_says_what_a_core_makes():
    lines = report.markdown(record(500.0, 1500.0)).splitlines()
    [rate, cpu] = [line for line in lines if line.startswith(f"| {report.WHAT[report.PLAIN]}")]
    assert rate.endswith("| 2,000 | 1,000 to 3,000 | 2.00 (2.00 to 2.00) |")
    assert cpu.endswith("| 0.125 (0.125 to 0.125) | 0.200 (0.200 to 0.200) | 0.100 (0.100 to 0.100) | 8,000 |")


def test_a_busy_machine_makes_the_figures_doubtful():
    assert "Doubtful" not in report.markdown(record(1000.0))
    assert "other programs used up to 50 % of a core" in report.markdown(record(1000.0, strangers_share=0.5))
