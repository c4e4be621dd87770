"""Load shapes under Locust itself: how many users there are, and when it is over."""

import re
from pathlib import Path

import pytest

from load_server import Answering, http_server, write_pictures
from locust_run import LOADTEST, REST, LocustRun, locust

UPDATED = re.compile(r"Shape test updating to (\d+) users")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("mix") / "pictures")


def run(shape: str, folder: Path, pictures: Path, *more: object) -> LocustRun:
    locustfiles = f"{REST},{LOADTEST / 'shapes' / shape}.py"
    with http_server(Answering()) as host:
        common = ("--host", host, "--pictures", pictures, "--pause-ms", "20", "--traffic", "single=1")
        return locust(folder, *common, *more, locustfile=locustfiles)


def users_of(found: LocustRun) -> list[int]:
    return [int(users) for users in UPDATED.findall(found.err)]


@pytest.mark.parametrize(
    ("shape", "settings", "users"),
    [
        ("steps", ("--steps-users", 2, "--steps-seconds", 2, "--steps-most-users", 5), [2, 4, 5]),
        ("spike", ("--spike-base-users", 1, "--spike-base-seconds", 2, "--spike-users", 6, "--spike-seconds", 2),
         [1, 6, 1]),
        ("soak", ("--soak-users", 3, "--soak-minutes", 0.03), [3]),
    ],
)  # fmt: skip
def test_a_shape_has_its_users_and_ends(shape, settings, users, tmp_path, pictures):
    found = run(shape, tmp_path, pictures, *settings)
    assert found.status == 0, found.err
    assert users_of(found) == users
    assert set(found.outcomes) == {"right"}


def test_a_ramp_stops_when_more_users_get_no_more_answers(tmp_path, pictures):
    settings = "--ramp-step-users", 40, "--ramp-step-seconds", 2, "--ramp-patience", 1
    found = run("ramp", tmp_path, pictures, *settings)
    assert found.status == 0, found.err
    assert re.search(r"SATURATED at \d+ users with [\d.]+ right answers per second", found.err)
    assert users_of(found) == [40 * (number + 1) for number in range(len(users_of(found)))]


def test_a_ramp_that_meets_its_most_users_says_so(tmp_path, pictures):
    settings = "--ramp-step-users", 1, "--ramp-step-seconds", 2, "--ramp-most-users", 2
    found = run("ramp", tmp_path, pictures, *settings)
    assert "NOT SATURATED at 2 users" in found.err


def test_a_shape_and_a_rate_exclude_each_other(tmp_path, pictures):
    found = run("soak", tmp_path, pictures, "--rates", "45")
    assert found.status == 1
    assert "locust: --rates: a load shape varies users in closed loop" in found.err


def test_a_shapes_bad_setting_is_named(tmp_path, pictures):
    found = run("soak", tmp_path, pictures, "--soak-users", 0)
    assert found.status == 1
    assert "locust: --soak-users: 0 is not above 0" in found.err


def test_a_shape_works_in_two_processes(tmp_path, pictures):
    found = run("spike", tmp_path, pictures, "--spike-base-users", 2, "--spike-base-seconds", 2, "--spike-users", 4,
                "--spike-seconds", 2, "--processes", 2)  # fmt: skip
    assert found.status == 0, found.err
    assert {file.name.split("-")[1] for file in found.files} == {"0", "1"}
