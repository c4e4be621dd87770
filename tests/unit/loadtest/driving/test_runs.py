"""Locust itself, against a real server that is right, wrong, late, stalled or gone."""

import re
import signal
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from load_server import Answering, grpc_server, http_server, scores_of, write_pictures
from locust_run import GRPC, REST, LocustRun, locust
from traffic.call import Kind

SERVERS = {"rest": (REST, http_server), "grpc": (GRPC, grpc_server)}
TRANSPORTS = pytest.mark.parametrize("transport", SERVERS)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("mix") / "pictures")


def run(
    transport: str, folder: Path, pictures: Path, answering: Answering, *more: object, users: int = 4, **kept: Any
) -> LocustRun:
    """Load a server for a second or two, but for what a test says."""
    locustfile, serve = SERVERS[transport]
    timed = () if {"--rates", "--run-time"} & set(more) else ("--run-time", "1s")
    with serve(answering) as host:
        common = ("--host", host, "--pictures", pictures, "--users", users, "--spawn-rate", users)
        return locust(folder, *common, *timed, *more, locustfile=locustfile, **kept)


@TRANSPORTS
def test_right_answers_of_every_kind_end_with_0_and_leave_a_sample_each(transport, tmp_path, pictures):
    found = run(transport, tmp_path, pictures, Answering(), "--run-time", "2s", "--policy", "strict", "--json")
    assert found.status == 0, found.err
    kinds = set(Kind) if transport == "rest" else set(Kind) - {Kind.MODERATED, Kind.EXPLANATION}
    seen = {sample["kind"] for sample in found.samples}
    assert {Kind.SINGLE, Kind.BATCH_4} <= seen <= kinds
    assert set(found.outcomes) <= {"right", "expected_error"}
    assert f'"num_requests": {sum(sample["kind"] == "single" for sample in found.samples)}' in found.out
    assert all(sample["intended_s"] == sample["started_s"] for sample in found.samples)
    assert {sample["images"] for sample in found.samples if sample["kind"] == "batch16"} <= {"16"}
    [generator] = found.generators
    assert set(generator) == {"cpu_share", "wake_lag_ms", "sent_late_ms", "starved", "reason", "begun_s"}
    assert generator["sent_late_ms"] is None


def test_every_kind_can_be_asked_for_alone(tmp_path, pictures):
    traffic = ",".join(f"{kind}=1" for kind in Kind)
    found = run("rest", tmp_path, pictures, Answering(), "--traffic", traffic, "--run-time", "2s", "--json")
    assert found.status == 0, found.err
    assert {sample["kind"] for sample in found.samples} == set(Kind)


@TRANSPORTS
def test_a_wrong_answer_ends_with_1_and_the_reason(transport, tmp_path, pictures):
    def spoil(results: list) -> list:
        return [result | {"image": {"sha256": "0" * 64}} if "image" in result else result for result in results]

    found = run(transport, tmp_path, pictures, Answering(spoil=spoil), "--traffic", "single=1")
    assert found.status == 1
    assert "an answer for another image, by its sha256" in found.out + found.err
    assert set(found.outcomes) == {"wrong"}


@TRANSPORTS
def test_refusals_are_failures_unless_they_are_expected(transport, tmp_path, pictures):
    loads = "--traffic", "single=1,batch4=1", "--pause-ms", "50"
    found = run(transport, tmp_path, pictures, Answering(refuses=True), *loads)
    assert (found.status, set(found.outcomes)) == (1, {"refused"})
    assert {sample["code"] for sample in found.samples} == {"503" if transport == "rest" else "INTERNAL"}
    found = run(transport, tmp_path, pictures, Answering(refuses=True), *loads, "--refusals-expected")
    assert (found.status, set(found.outcomes)) == (0, {"refused"})


@TRANSPORTS
def test_an_answer_later_than_the_deadline_is_a_failure(transport, tmp_path, pictures):
    slow = Answering(before=lambda: time.sleep(0.2))
    found = run(transport, tmp_path, pictures, slow, "--deadline-ms", "100", "--traffic", "single=1")
    assert (found.status, set(found.outcomes)) == (1, {"late"})
    assert "answered later than 100 ms" in found.out + found.err


@TRANSPORTS
def test_a_server_that_is_gone_loses_every_request(transport, tmp_path, pictures):
    locustfile, serve = SERVERS[transport]
    with serve(Answering()) as host:
        pass
    found = locust(tmp_path, "--host", host, "--pictures", pictures, "--run-time", "1s", "--pause-ms", "50",
                   locustfile=locustfile)  # fmt: skip
    assert (found.status, set(found.outcomes)) == (1, {"lost"})
    assert {sample["code"] for sample in found.samples} == {""}


def test_scores_that_were_told_beforehand_must_come_back(tmp_path, pictures):
    names = {file.stem: scores_of(file.read_bytes()) for file in pictures.glob("*.jpg")}
    swapped = names | {"16": names["20"], "20": names["16"]}
    for scores, status in ((names, 0), (swapped, 1)):
        file = tmp_path / "references.json"
        file.write_text(str(scores).replace("'", '"'))
        assert run("rest", tmp_path, pictures, Answering(), "--references", file).status == status


@TRANSPORTS
def test_open_loop_sends_at_the_offered_rate_whatever_the_answers_take(transport, tmp_path, pictures):
    """Half a second an answer: a user that waited for each would send two a second."""
    answering = Answering(before=lambda: time.sleep(0.5))
    loads = "--rates", "20x1,40x1", "--arrivals", "constant", "--traffic", "single=1"
    found = run(transport, tmp_path, pictures, answering, *loads, users=1)
    assert found.status == 0, found.err
    intended = sorted(float(sample["intended_s"]) for sample in found.samples)
    assert len(intended) == pytest.approx(60, abs=1)
    gaps = [after - before for before, after in pairwise(intended)]
    assert gaps[:18] == pytest.approx([1 / 20] * 18, abs=1e-5)
    assert gaps[-18:] == pytest.approx([1 / 40] * 18, abs=1e-5)
    assert all(float(sample["started_s"]) >= float(sample["intended_s"]) for sample in found.samples)
    late_ms = [1000 * (float(one["started_s"]) - float(one["intended_s"])) for one in found.samples]
    assert found.generators[0]["sent_late_ms"]["max"] == pytest.approx(max(late_ms), abs=0.01)
    assert intended[0] == pytest.approx(found.generators[0]["begun_s"], abs=1e-5)
    [(offered, answered)] = re.findall(r"Offered ([\d.]+)/s, answered ([\d.]+)/s", found.err)
    assert float(offered) == float(answered) == pytest.approx(len(intended) / 2, rel=0.05)


def test_the_line_at_the_end_says_how_far_answers_stayed_behind(tmp_path, pictures):
    loads = "--rates", "20x1", "--traffic", "single=1", "--refusals-expected"
    found = run("rest", tmp_path, pictures, Answering(refuses=True), *loads, users=1)
    assert re.search(r"Offered [1-9][\d.]+/s, answered 0\.0/s", found.err)


DRAWN_AND_SENT = """
from driving.session import Session
from locustfile import *

draw, exchange = Session.draw, RestClient.exchange
said = open("order.txt", "w", buffering=1)


def drawing(session, kind=None):
    print("drawn", file=said)
    return draw(session, kind)


def exchanging(user, call):
    print("sent", file=said)
    return exchange(user, call)


Session.draw, RestClient.exchange = drawing, exchanging
"""


def test_in_open_loop_a_request_is_sent_before_the_next_one_is_drawn(tmp_path, pictures):
    file = tmp_path / "watched.py"
    file.write_text(f"import sys\nsys.path.insert(0, {str(REST.parent)!r})\n{DRAWN_AND_SENT}")
    with http_server(Answering()) as host:
        loads = "--rates", "40x1", "--traffic", "single=1", "--users", "1"
        assert locust(tmp_path, "--host", host, "--pictures", pictures, *loads, locustfile=file).status == 0
    said = (tmp_path / "order.txt").read_text().split()
    assert said.count("sent") > 5
    assert said[: 2 * said.count("sent")] == ["drawn", "sent"] * said.count("sent")


def test_all_users_of_an_open_loop_are_there_from_the_start(tmp_path, pictures):
    """By Locust's own default they would come one a second, and the first three quarters never be sent."""
    with http_server(Answering()) as host:
        loads = "--rates", "40x1", "--arrivals", "constant", "--traffic", "single=1", "--users", "4"
        found = locust(tmp_path, "--host", host, "--pictures", pictures, *loads)
    assert found.status == 0, found.err
    assert len(found.samples) == pytest.approx(40, abs=2)


ONE_USER_A_SECOND = """
from driving import wiring

wiring._spawn_at_once = lambda environment: None  # as from the page, where one chooses
from locustfile import *
"""


def test_what_was_due_before_its_user_was_spawned_is_unsent_and_not_forgotten(tmp_path, pictures):
    file = tmp_path / "later.py"
    file.write_text(f"import sys\nsys.path.insert(0, {str(REST.parent)!r})\n{ONE_USER_A_SECOND}")
    with http_server(Answering()) as host:
        loads = "--rates", "40x3", "--arrivals", "constant", "--traffic", "single=1", "--users", "2"
        found = locust(tmp_path, "--host", host, "--pictures", pictures, *loads, locustfile=file)
    assert found.status == 1
    unsent = [one for one in found.samples if one["outcome"] == "unsent"]
    assert {one["message"] for one in unsent} == {"never sent: its user was spawned after its time"}
    assert len(found.samples) == pytest.approx(120, abs=2)


def test_constant_arrivals_that_would_fall_together_are_refused(tmp_path, pictures):
    loads = "--rates", "40x1", "--arrivals", "constant", "--processes", "2"
    found = run("rest", tmp_path, pictures, Answering(), *loads, users=3)
    assert found.status == 1
    assert (
        "locust: --arrivals: constant ones of 3 users can't be spaced evenly over 2 processes" in found.out + found.err
    )
    assert found.samples == []


def test_what_a_starved_generator_never_sent_counts_as_unsent(tmp_path, pictures):
    """A hundred thousand a second is more than any machine sends from one process."""
    found = run("rest", tmp_path, pictures, Answering(), "--rates", "100000x0.5", "--traffic", "single=1", users=1)
    assert found.status == 1
    assert "THE GENERATOR WAS STARVED" in found.err
    unsent = [sample for sample in found.samples if sample["message"] == "never sent: the generator came too late"]
    assert {(sample["outcome"], sample["code"], sample["images"]) for sample in unsent} == {("unsent", "", "0")}
    assert len(found.samples) == pytest.approx(50_000, rel=0.15)  # what was due in the last 50 ms is not counted


class Stalling:
    """Answers nobody for a second, once, and at once before and after."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered = 0

    def __call__(self) -> None:
        with self._lock:
            self._answered += 1
            if self._answered == 20:
                time.sleep(1)


def test_who_arrives_while_the_server_stalls_waits_in_open_loop_and_was_never_sent_in_closed_loop(tmp_path, pictures):
    """Coordinated omission: the same stall of a second, seen by one user who waits, and by arrivals that don't."""
    loads = "--traffic", "single=1"
    closed = run("rest", tmp_path, pictures, Answering(before=Stalling()), *loads, "--pause-ms", "20", "--run-time",
                 "2s", users=1)  # fmt: skip
    opened = run("rest", tmp_path, pictures, Answering(before=Stalling()), *loads, "--rates", "40x2", users=1)
    waited = [sum(latency > 500 for latency in one.latencies_ms()) for one in (closed, opened)]
    assert waited[0] >= 1  # the request that met the stall
    assert waited[1] > 5 * waited[0]  # twenty arrive in the first half of it


def test_two_processes_share_the_rate_and_leave_two_files_each(tmp_path, pictures):
    loads = "--rates", "40x2", "--arrivals", "constant", "--processes", "2"
    found = run("rest", tmp_path, pictures, Answering(), *loads, users=2)
    assert found.status == 0, found.err
    assert sorted(file.name.split("-")[1] for file in found.files) == ["0", "1"]
    assert len(found.generators) == 2
    assert len(found.samples) == pytest.approx(80, abs=4)


@TRANSPORTS
def test_two_processes_over_any_transport_find_the_wrong_answers(transport, tmp_path, pictures):
    def spoil(results: list) -> list:
        return [result | {"action": "blur"} if "image" in result else result for result in results]

    found = run(transport, tmp_path, pictures, Answering(spoil=spoil), "--processes", "2", "--run-time", "2s")
    assert found.status == 1
    assert "the action is blur; policy default 1 makes" in found.out + found.err
    assert {file.name.split("-")[1] for file in found.files} == {"0", "1"}


def test_what_is_on_its_way_at_the_end_is_waited_for(tmp_path, pictures):
    answering = Answering(before=lambda: time.sleep(3))
    found = run("rest", tmp_path, pictures, answering, "--traffic", "single=1", users=2)
    assert (found.status, found.outcomes) == (0, {"right": 2})


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_leaves_whole_samples(way, tmp_path, pictures):
    if signal.getsignal(way) is signal.SIG_IGN:
        pytest.skip("ignored here, and so by every child: in the background of a shell")
    found = run("rest", tmp_path, pictures, Answering(), "--run-time", "600s", interrupted_by=way)
    assert found.status == 0, found.err
    assert set(found.outcomes) <= {"right", "expected_error"}
    assert not list(found.files[0].parent.glob("*.part"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--rates", "fast"), "locust: --rates: 'fast' is neither a rate"),
        (("--traffic", "upload=1"), "locust: --traffic: 'upload' is none of"),
        (("--mix-count", "0"), "locust: --mix-count: 0 is not at least 1"),
        (("--arrivals", "never"), "argument --arrivals: invalid choice: 'never'"),
    ],
)
def test_a_bad_argument_ends_locust_with_its_name(arguments, said, tmp_path):
    found = locust(tmp_path, "--host", "http://127.0.0.1:1", *arguments)
    assert found.status in (1, 2)
    assert said in found.err
    assert found.files == []


def test_an_empty_folder_of_pictures_ends_locust(tmp_path):
    (tmp_path / "empty").mkdir()
    found = locust(tmp_path, "--host", "http://127.0.0.1:1", "--pictures", tmp_path / "empty")
    assert found.status == 1
    assert "empty holds no picture" in found.err


def test_a_host_that_grpc_cannot_reach_is_named(tmp_path, pictures):
    found = locust(tmp_path, "--host", "http://127.0.0.1:7070", "--pictures", pictures, locustfile=GRPC)
    assert "--host: 'http://127.0.0.1:7070' is not HOST:PORT" in found.err
    assert found.samples == []
