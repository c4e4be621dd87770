"""What loadtest/README.md tells a reader to type, typed, against a server on other ports and for a shorter time."""

import contextlib
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import configargparse
import psutil
import pytest
import requests

import run_campaign
from bench_record import finished
from campaign_record import record
from documents import ROOT, at_ports, commands_of
from driving.arrivals import arrival_times, parse_rates
from driving.options import register
from measuring.spread import percentile
from serving.ports import free_ports
from serving.torchserve_process import TorchServeProcess
from traffic.call import Kind

README = "loadtest/README.md"
BLOCKS = [block.splitlines() for block in commands_of(README)]
LINES = [line for lines in BLOCKS for line in lines]
DISTRIBUTED = next(lines for lines in BLOCKS if any("--worker" in line for line in lines))
HEADLESS = [line for line in LINES if "--headless" in line and line not in DISTRIBUTED]
LIMIT_SECONDS = 270
END_SECONDS = 40
SHORTER = {"--users 16": "--users 2", "--run-time 60s": "--run-time 3s", "10x10,40x15,10x20": "5x1,20x1,5x1"}
SHAPES = {
    **{"RAMP_STEP_SECONDS": "1", "RAMP_MOST_USERS": "8", "SPIKE_BASE_SECONDS": "1", "SPIKE_SECONDS": "2"},
    **{"STEPS_SECONDS": "1", "STEPS_MOST_USERS": "8", "SOAK_MINUTES": "0.05", "SPIKE_USERS": "8"},
}


@pytest.fixture
def environment() -> dict[str, str]:
    """Few pictures, much patience, and ports of Locust's own that nobody else has."""
    ports = free_ports()
    ours = {"MIX_COUNT": "12", "DEADLINE_MS": "240000", **SHAPES}
    return {
        **os.environ,
        **{f"LOADTEST_{name}": value for name, value in ours.items()},
        "LOCUST_WEB_HOST": "127.0.0.1",
        "LOCUST_WEB_PORT": str(ports.inference),
        "LOCUST_MASTER_BIND_PORT": str(ports.metrics),
        "LOCUST_MASTER_NODE_PORT": str(ports.metrics),
    }


@contextlib.contextmanager
def typed(command: str, server: TorchServeProcess, environment: Mapping[str, str], log: Path) -> Iterator[psutil.Popen]:
    """Run a documented locust command, shorter and for the server's ports; nothing of it is left behind."""
    for long, short in SHORTER.items():
        command = command.replace(long, short)
    config = server.config
    command = at_ports(command, config.inference.port, config.management.port)
    command = command.replace(":7070", f":{config.settings['grpc_inference_port'].value}")
    assert command.startswith("locust ")
    words = [sys.executable, "-m", *shlex.split(command)]
    with log.open("wb") as file:
        process = psutil.Popen(words, cwd=ROOT, env=environment, stdout=file, stderr=file)
        try:
            yield process
        finally:
            with contextlib.suppress(psutil.NoSuchProcess):
                left = [process, *process.children(recursive=True)]
                for one in left:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        one.terminate()
                psutil.wait_procs(left, timeout=END_SECONDS)


@pytest.mark.parametrize("line", HEADLESS, ids=map(str, range(len(HEADLESS))))
def test_a_headless_run_ends_by_itself_without_a_failure(
    server: TorchServeProcess, environment: dict[str, str], line: str, tmp_path: Path
):
    log = tmp_path / "log"
    with typed(line, server, environment, log) as process:
        assert process.wait(LIMIT_SECONDS) == 0, log.read_text()
    assert requests_in(log.read_text()) > 0


def test_a_master_and_its_workers_share_one_run(server: TorchServeProcess, environment: dict[str, str], tmp_path: Path):
    logs = [tmp_path / f"log-{number}" for number in range(len(DISTRIBUTED))]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(typed(line, server, environment, log))
            for line, log in zip(DISTRIBUTED, logs, strict=True)
        ]
        for process, log in zip(processes, logs, strict=True):
            assert process.wait(LIMIT_SECONDS) == 0, log.read_text()
    assert "2 workers connected" in logs[0].read_text()
    assert requests_in(logs[0].read_text()) > 0


def test_the_page_offers_the_suites_options_and_starts_a_run(
    server: TorchServeProcess, environment: dict[str, str], tmp_path: Path
):
    [line] = [line for line in LINES if line.startswith("locust") and "--headless" not in line and "--w" not in line]
    page, log = f"http://127.0.0.1:{environment['LOCUST_WEB_PORT']}", tmp_path / "log"
    with typed(line, server, environment, log):
        [arguments] = re.findall(r"window\.templateArgs = (.*)$", answered(page, log).text, re.MULTILINE)
        offered = json.JSONDecoder().raw_decode(arguments)[0]["extra_options"]
        assert {name.replace("_", "-") for name in offered} == set(options_in_the_readme())
        assert all(option["help_text"] for option in offered.values())
        form = {"user_count": 2, "spawn_rate": 2, "traffic": "single=1"}
        begun = requests.post(f"{page}/swarm", data=form, timeout=60)
        assert begun.json()["success"], begun.text
        deadline = time.monotonic() + LIMIT_SECONDS
        while (found := requests.get(f"{page}/stats/requests", timeout=10).json())["stats"][-1]["num_requests"] < 5:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        assert {one["name"] for one in found["stats"]} == {"single", "Aggregated"}
        assert found["stats"][-1]["num_failures"] == 0, log.read_text()


def test_the_readme_names_every_option_with_its_default():
    parser = configargparse.ArgumentParser()
    register(parser, {Kind.SINGLE: 1})
    defaults = vars(parser.parse_args([])) | {"traffic": ""}
    assert {name: of_text(text) for name, text in options_in_the_readme().items()} == {
        name.replace("_", "-"): value for name, value in defaults.items()
    }


def test_the_campaigns_commands_are_ones_that_it_takes():
    lines = [line for line in LINES if line.startswith("scripts/loadtest")]
    assert len(lines) >= 4
    for line in lines:
        arguments = shlex.split(line)[1:]
        if arguments[0] != "compare":
            run_campaign.parse_arguments(arguments)


def test_the_campaigns_own_script_compares_two_reports(tmp_path: Path):
    reports = [tmp_path / name for name in "ab"]
    for report in reports:
        report.mkdir()
        (report / "report.json").write_text(json.dumps(record().to_json()))
    done = finished([ROOT / "scripts/loadtest", "compare", *reports], LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    assert "REST" in done.stdout


def test_the_example_of_coordinated_omission_is_reckoned_rightly():
    text = " ".join((ROOT / README).read_text().split())
    intended_ms = [round(1000 * at) for at in arrival_times(parse_rates("50x9.99"), "constant", Random(0))]
    opened = [answered_ms(at) - at for at in intended_ms]
    closed, now_ms = [], 0
    while now_ms < 10_000:
        closed.append(answered_ms(now_ms) - now_ms)
        now_ms += closed[-1] + 15
    assert f"it sends {len(closed)} requests. One of them takes {max(closed):,} ms" in text
    assert f"**p99: {percentile(closed, 99):,} ms.**" in text
    assert f"{len(intended_ms)} in all" in text
    slow = sorted((one for one in opened if one > 5), reverse=True)
    assert f"the {len(slow)} requests of that second" in text
    assert "wait " + ", ".join(f"{one:,}" for one in slow[:3]) in text
    assert f"**p99: {percentile(opened, 99):,} ms.**" in text


def answered_ms(asked_ms: int) -> int:
    """Return when the example's server answers: after 5 ms, but nothing from second 5 to second 6."""
    return (6000 if 5000 <= asked_ms < 6000 else asked_ms) + 5


def options_in_the_readme() -> dict[str, str]:
    """Return the default, as it is written, by the option's name."""
    section = (ROOT / README).read_text().partition("### Options")[2].partition("### ")[0]
    rows = [row.split("|") for row in section.splitlines() if row.startswith("| `--")]
    return {name[1].strip().strip("`").removeprefix("--"): name[2].strip().strip("`") for name in rows}


def of_text(default: str) -> object:
    """Return a documented default's value."""
    if default in {"", "off"}:
        return {"": "", "off": False}[default]
    return float(default) if re.fullmatch(r"[\d.]+", default) else default


def requests_in(log: str) -> int:
    """Return the number of requests in the last summary that Locust printed."""
    return int(re.findall(r"^\s+Aggregated\s+(\d+)", log, re.MULTILINE)[-1])


def answered(url: str, log: Path) -> requests.Response:
    deadline = time.monotonic() + LIMIT_SECONDS
    while True:
        try:
            return requests.get(url, timeout=10)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
