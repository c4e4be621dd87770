import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from campaign.errors import CampaignError
from campaign.serving import Wanted, archive_of, place_of, running
from serving.ports import free_ports

DESCRIPTION = b'[{"modelName": "nsfw", "workers": [{"pid": 7, "status": "%s"}]}]'
UNAUTHORIZED = b'{"code": 400, "type": "InvalidKeyException", "message": "Token Authorization failed."}'
UNKNOWN = b'{"code": 404, "type": "ModelNotFoundException", "message": "Model not found: nsfw"}'


@pytest.fixture
def server():
    """A server on one port that gives one answer, whatever is asked."""
    answers = {"status": 200, "body": DESCRIPTION % b"READY"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(answers["status"])
            self.send_header("Content-Length", str(len(answers["body"])))
            self.end_headers()
            self.wfile.write(answers["body"])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{http.server_port}"
        yield answers, Wanted(host=url, management=url, metrics=url, grpc_host="127.0.0.1:7")
        http.shutdown()
        thread.join()


def test_the_addresses_are_those_of_config_properties():
    place = place_of(Wanted())
    assert (place.rest, place.grpc) == ("http://127.0.0.1:8080", "127.0.0.1:7070")
    assert (place.management, place.metrics) == ("http://127.0.0.1:8081", "http://127.0.0.1:8082")
    assert place.is_here


def test_another_machine_has_them_at_the_same_ports():
    place = place_of(Wanted(host="gpu-3:9000"))
    assert (place.rest, place.grpc) == ("http://gpu-3:9000", "gpu-3:7070")
    assert (place.management, place.metrics) == ("http://gpu-3:8081", "http://gpu-3:8082")
    assert not place.is_here
    assert place_of(Wanted(host="http://gpu-3/")).rest == "http://gpu-3:8080"


def test_each_address_can_be_given():
    place = place_of(Wanted("http://a:1", "b:2", "http://c:3/", "http://d:4"))
    assert (place.rest, place.grpc, place.management, place.metrics) == (
        "http://a:1",
        "b:2",
        "http://c:3",
        "http://d:4",
    )


@pytest.mark.parametrize("host", ["https://a:1", "http://a:1/predictions", "http://"])
def test_an_address_that_is_none_is_refused(host: str):
    with pytest.raises(CampaignError, match="expected http://HOST:PORT"):
        place_of(Wanted(host=host))


def test_a_server_that_runs_and_is_ready_is_measured(server):
    _, wanted = server
    place = running(wanted)
    assert place is not None
    assert place.rest == wanted.host
    assert place.worker_pids() == [7]


def test_a_server_whose_workers_are_not_ready_is_refused(server):
    answers, wanted = server
    answers["body"] = DESCRIPTION % b"UNLOADING"
    with pytest.raises(CampaignError, match="no worker of nsfw is ready"):
        running(wanted)


def test_a_server_without_the_model_is_refused_with_what_it_says(server):
    answers, wanted = server
    answers |= {"status": 404, "body": UNKNOWN}
    with pytest.raises(CampaignError, match="serves no model nsfw.*Model not found: nsfw"):
        running(wanted)


def test_another_program_at_that_address_is_refused(server):
    answers, wanted = server
    answers["body"] = b"<html>"
    with pytest.raises(CampaignError, match="is not answered by TorchServe"):
        running(wanted)


@pytest.mark.parametrize(("status", "body"), [(400, UNAUTHORIZED), (401, b"")], ids=["torchserve", "a proxy"])
def test_a_server_that_wants_tokens_is_refused(server, status: int, body: bytes):
    answers, wanted = server
    answers |= {"status": status, "body": body}
    with pytest.raises(CampaignError, match="asks for a token"):
        running(wanted)


def test_a_named_host_where_nothing_answers_is_an_error_and_no_reason_to_start_one():
    with pytest.raises(CampaignError, match="no server answers"):
        running(Wanted(host=f"http://127.0.0.1:{free_ports().inference}"))


def test_an_archive_or_checkpoint_that_was_named_is_served_whatever_runs(server):
    _, wanted = server
    assert running(Wanted(archive=Path("a.mar"))) is None
    assert running(Wanted(model=Path("a"))) is None
    with pytest.raises(CampaignError, match="leave one out"):
        running(Wanted(host=wanted.host, archive=Path("a.mar")))


def test_the_archive_that_was_named_is_taken(tmp_path: Path):
    assert archive_of(Wanted(archive=tmp_path / "a.mar"), tmp_path).file == tmp_path / "a.mar"


def test_the_places_are_those_of_the_queue_and_of_the_batches_under_way(server):
    answers, wanted = server
    queue = b'"batchSize": 8, "jobQueueStatus": {"remainingCapacity": 70, "pendingRequests": 2}, "workers": [{}, {}]'
    answers["body"] = b"[{" + queue + b"}]"
    assert place_of(wanted).queue_places() == 72 + 2 * 8
    answers["body"] = DESCRIPTION % b"READY"
    assert place_of(wanted).queue_places() is None


def test_a_server_that_ended_has_no_workers_to_tell_of_and_no_queue(server, monkeypatch):
    monkeypatch.setattr("campaign.place.SILENT_SECONDS", 0.0)
    answers, wanted = server
    place = place_of(wanted)
    assert place.settled_pids() == [7]
    answers["status"] = 500
    assert place.settled_pids() is None
    assert place.queue_places() is None
