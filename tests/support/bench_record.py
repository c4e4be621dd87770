"""What a benchmark session records, with figures that are easy to reckon with; and how a test runs such a command."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trust_nsfw.schema import LABELS

END_SECONDS = 60
SCORES = dict(zip(LABELS, (0.1, 0.2, 0.4, 0.25, 0.05), strict=True))


def load(images_per_s: float, latencies_ms: list[float], **other: Any) -> dict[str, Any]:
    """Return the record of one load."""
    return {
        "images_per_s": images_per_s,
        "latencies_ms": latencies_ms,
        "answered": 100,
        "busy": 0,
        "problems": [],
        "cpu_seconds_per_image": {"worker": 0.1, "java": 0.002, "others": 0.0, "generator": 0.0005},
        "generator_share": 0.05,
        "strangers_share": 0.1,
        "wall_seconds": 10.0,
        "mean_batch": 7.5,
    } | other


def own(speed: float) -> dict[str, Any]:
    """Return one round of an archive of ours whose bare engine makes `speed` images per second."""
    return {
        "batch": 8,
        "engine": speed,
        "pipeline": 0.9 * speed,
        "lone": {"decode": [5.0], "forward": [60.0], "pipeline": [66.0], "server": [70.0], "answered": 1},
        "load": {"16": load(0.81 * speed, [900.0, 1000.0]), "32": load(0.855 * speed, [1900.0, 2000.0])},
        "reuploads": load(600.0, [20.0]),
    }


def record() -> dict[str, Any]:
    """Return a session of three rounds; the machine is slower in the second, every contender alike."""
    rounds = [
        {
            "peaks_gflops": {"fp32": 150.0, "bf16": 400.0, "int8": 700.0 * pace},
            "strangers_share": 0.02,
            "ours": own(20 * pace),
            "faster": own(30 * pace),
            "stock": {"load": {users: load(3 * pace, [4000.0, 5000.0]) for users in ("16", "32")}},
        }
        for pace in (1.0, 0.5, 1.1)
    ]
    memory = {"rss": 600.0, "pss": 500.0, "peak_rss": 700.0}
    stock = {"rss": 1000.0, "pss": 800.0, "peak_rss": 1100.0}
    return {
        "started_utc": "2026-01-02 03:04 UTC",
        "command": "python loadtest/bench.py",
        "options": {"pictures": 64, "seconds": 10.0},
        "machine": {
            "cpu": "A processor",
            "cores": 2,
            "flags": ["amx_int8"],
            "memory_gib": 16.0,
            "system": "Linux",
            "versions": {"python": "3.11"},
        },
        "checkpoint": "random-vit",
        "is_vit_b16": True,
        "mean_picture_kb": 150.0,
        "contenders": {
            "ours": {
                "kind": "ours",
                "engine": "openvino",
                "precision": "int8",
                "merge_tokens": 0,
                "actions": {"review": 4, "allow": 60},
            },
            "faster": {"kind": "ours", "engine": "openvino", "precision": "int8", "merge_tokens": 13},
            "stock": {"kind": "stock", "engine": "transformers", "precision": "fp32", "merge_tokens": 0},
        },
        "shift_from_fp32": {"ours": 0.0123, "faster": 0.2, "stock": 0.0},
        "told_apart": {"ours": 0.981, "faster": 0.99, "stock": 0.995},
        "ready_seconds": {"ours": [8.0, 9.0], "stock": [7.0]},
        "memory": {name: {"idle": memory, "served": memory} for name in ("ours", "faster")}
        | {"stock": {"idle": stock, "served": stock}},
        "checked_answers": 1234,
        "rounds": rounds,
    }


def finished(command: Sequence[str | Path], limit_seconds: float) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. One that takes too long is asked to end first, for its servers end with it."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            out, err = process.communicate(timeout=limit_seconds)
        except BaseException:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)
