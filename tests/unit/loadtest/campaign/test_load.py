"""A stand-in for Locust: a module of that name that does what a test tells it to."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from campaign.errors import CampaignError
from campaign.load import Load, apply
from traffic.call import Outcome

LOAD = Load("rest", "http://127.0.0.1:1", 4, 3, {"traffic": "single=1", "rates": "20x3"}, ("--refusals-expected",))
SAMPLES = """intended_s,started_s,latency_ms,kind,outcome,code,error_code,images,message
101.5,101.5,20.5,single,right,200,,1,
100.5,100.6,30.0,single,refused,503,overloaded,1,busy
"""
HEALTH = {
    "cpu_share": 0.5,
    "wake_lag_ms": {"p50": 0, "p99": 2, "max": 9},
    "sent_late_ms": None,
    "starved": False,
    "reason": "",
}
HEAD = """
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[sys.argv.index("--samples") + 1])
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch):
    """Put a module `locust` with some code before the real one."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))

    def write(code: str) -> None:
        (tmp_path / "locust.py").write_text(HEAD + code)

    return write


def leaving(samples: str, *healths: dict) -> str:
    lines = [f"(folder / 'samples-0-1.csv').write_text({samples!r})"]
    return "\n".join(
        lines + [f"(folder / 'generator-{i}-1.json').write_text({json.dumps(one)!r})" for i, one in enumerate(healths)]
    )


def test_the_command_line_is_locusts(tmp_path: Path):
    command = LOAD.command(tmp_path / "samples", tmp_path / "references.json")
    assert command[:5] == [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py"]
    joined = " ".join(command)
    assert "--headless" in command
    assert "--users 4 --spawn-rate 4 --run-time 3s" in joined
    assert joined.endswith("--traffic=single=1 --rates=20x3 --refusals-expected")


def test_samples_come_back_in_the_order_of_their_intended_times(stand_in, tmp_path: Path):
    stand_in(leaving(SAMPLES, HEALTH))
    loaded = apply(LOAD, tmp_path / "references.json")
    assert [one.outcome for one in loaded.samples] == [Outcome.REFUSED, Outcome.RIGHT]
    assert loaded.samples[1].ended_s == pytest.approx(101.5205)
    assert (loaded.generator.processes, loaded.generator.starved, loaded.generator.reason) == (1, False, "")
    assert loaded.start_s == 100.5  # that of its first request, for want of its schedule's


def test_that_some_requests_failed_is_no_failure_of_locust(stand_in, tmp_path: Path):
    stand_in(leaving(SAMPLES, HEALTH) + "\nsys.exit(1)")
    assert len(apply(LOAD, tmp_path / "references.json").samples) == 2


def test_the_worst_process_of_several_counts(stand_in, tmp_path: Path):
    late = {"p50": 1, "p99": 70, "max": 90}
    starved = HEALTH | {"cpu_share": 0.97, "sent_late_ms": late, "starved": True, "reason": "it used 97 % of a core"}
    stand_in(leaving(SAMPLES, HEALTH, starved))
    loaded = apply(LOAD, tmp_path / "references.json")
    assert (loaded.generator.processes, loaded.generator.cpu_share) == (2, 0.97)
    assert loaded.generator.sent_late_p99_ms == 70
    assert loaded.generator.reason == "it used 97 % of a core"


def test_a_profile_counts_from_its_schedules_start_and_not_from_its_first_request(stand_in, tmp_path: Path):
    stand_in(leaving(SAMPLES, HEALTH | {"begun_s": 99.25}, HEALTH | {"begun_s": 99.0}))
    assert apply(LOAD, tmp_path / "references.json").start_s == 99


def test_several_processes_are_locusts_own(tmp_path: Path):
    command = replace(LOAD, processes=2).command(tmp_path, tmp_path / "references.json")
    assert command[command.index("--processes") + 1] == "2"
    assert "--processes" not in LOAD.command(tmp_path, tmp_path / "references.json")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("sys.exit('--rates: no such thing')", "status 1 and 0 samples"),
        (leaving(SAMPLES, HEALTH) + "\n1 / 0", "ZeroDivisionError"),
        (leaving(SAMPLES, HEALTH) + "\nsys.exit(2)", "status 2"),
        (leaving(SAMPLES), "no word on its own health"),
        (leaving("intended_s,started_s\n1,x\n", HEALTH), "is not whole"),
    ],
    ids=["refused options", "traceback", "status", "no health", "half a sample"],
)
def test_a_locust_that_failed_is_said_with_its_reason(stand_in, tmp_path: Path, code: str, said: str):
    stand_in(code)
    with pytest.raises(CampaignError, match=said):
        apply(LOAD, tmp_path / "references.json")


def test_the_settings_of_another_locust_do_not_leak_in(stand_in, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("LOCUST_USERS", "900")
    monkeypatch.setenv("LOADTEST_DUPLICATES", "1")
    stand_in("import os\nassert not [one for one in os.environ if one.startswith(('LOCUST', 'LOADTEST'))]\n"
             + leaving(SAMPLES, HEALTH))  # fmt: skip
    assert apply(LOAD, tmp_path / "references.json").samples


def test_an_interrupt_ends_locust_and_its_children(stand_in, tmp_path: Path):
    pids = tmp_path / "pids"
    stand_in(f"""
import os, subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
pathlib.Path({str(pids)!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
time.sleep(60)
""")

    started: list[psutil.Process] = []

    def tick() -> None:
        if pids.exists() and pids.read_text():
            started.extend(psutil.Process(int(pid)) for pid in pids.read_text().split())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply(LOAD, tmp_path / "references.json", tick)
    assert len(started) == 2
    _, alive = psutil.wait_procs(started, timeout=20)
    assert not alive
