"""Real requests to a real, tiny HTTP server."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench_record import SCORES
from measuring import load as load_module
from measuring.load import Load, rate, run
from traffic.fresh import Fresh

PICTURES = [b"\xff\xd8first", b"\xff\xd8second"]


class Answering(BaseHTTPRequestHandler):
    """Answers every picture rightly, but for what a test's server makes of it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = self.server.answer(body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        if status != 200:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


def right(body: bytes) -> tuple[int, bytes]:
    image = {"sha256": hashlib.sha256(body).hexdigest()}
    result = {"label": "neutral", "scores": SCORES, "action": "allow", "image": image}
    return 200, json.dumps({"results": [result]}).encode()


@contextmanager
def serving(answer) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        server.answer = answer
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def loaded(port: int, **changes: object):
    fields = {"kind": "ours", "concurrency": 4, "seconds": 0.2, "warmup_seconds": 0.05} | changes
    load = Load(host="127.0.0.1", port=port, path="/predictions/nsfw", **fields)
    return run(load, PICTURES, [SCORES, SCORES], Fresh())


def test_right_answers_are_counted_and_timed():
    with serving(right) as port:
        result = loaded(port)
    assert result.problems == []
    assert result.answered >= len(result.latencies_ms) >= 1
    assert result.images_per_s > 0
    assert result.cpu_seconds_per_image["generator"] > 0


def test_every_body_is_new_unless_the_same_is_asked_for():
    seen: list[bytes] = []

    def remember(body: bytes) -> tuple[int, bytes]:
        seen.append(body)
        return right(body)

    with serving(remember) as port:
        loaded(port)
        assert len(set(seen)) == len(seen)
        seen.clear()
        loaded(port, distinct=False)
        assert set(seen) == set(PICTURES)


def test_an_answer_that_belongs_to_another_request_ends_the_run():
    previous = [b"\xff\xd8"]

    def swap(body: bytes) -> tuple[int, bytes]:
        previous.append(body)
        return right(previous[-2])

    with serving(swap) as port:
        result = loaded(port, seconds=60)
    assert "an answer for another image" in result.problems[0]


@pytest.mark.parametrize(
    ("answer", "said"), [((500, b"no"), "status 500: no"), ((200, b""), "not the shape"), ((503, b""), "status 503")]
)
def test_what_is_no_answer_ends_the_run(answer, said):
    with serving(lambda _: answer) as port:
        assert said in loaded(port, seconds=60).problems[0]


def test_refusals_are_counted_where_they_are_expected():
    turns = iter(range(10**9))
    with serving(lambda body: (503, b"busy") if next(turns) % 2 else right(body)) as port:
        result = loaded(port, busy_is_fine=True)
    assert result.problems == []
    assert result.busy > 0


def test_a_server_that_is_not_there_is_a_problem():
    with serving(right) as port:
        pass
    assert "ConnectionRefusedError" in loaded(port, seconds=60).problems[0]


def test_a_server_that_answers_nobody_does_not_hold_up_the_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(load_module, "ANSWER_LIMIT_SECONDS", 0.2)
    with serving(lambda _: (503, b"busy")) as port:
        result = loaded(port, busy_is_fine=True, seconds=60)
    assert "only 0 of 4 answers had come 0.2 s after the time was up" in result.problems[0]


def test_a_user_who_fails_is_a_problem_and_not_just_one_user_less(monkeypatch: pytest.MonkeyPatch):
    def broken(_: Fresh, jpeg: bytes) -> bytes:
        raise RuntimeError(f"{len(jpeg)} bytes")

    monkeypatch.setattr(Fresh, "bytes_of", broken)
    with serving(right) as port:
        result = loaded(port, seconds=60)
    assert "a user failed: RuntimeError: 7 bytes" in result.problems[0]


def test_the_rate_counts_whole_batches():
    ends = [1.0] * 8 + [2.0] * 8 + [3.0] * 8 + [4.0] * 8
    assert rate(ends, window_start=1.5, window_end=3.4) == 8.0


def test_there_is_no_rate_without_an_answer_on_both_sides():
    assert rate([2.0], window_start=1.0, window_end=3.0) == 0.0
    assert rate([0.5], window_start=1.0, window_end=3.0) == 0.0
