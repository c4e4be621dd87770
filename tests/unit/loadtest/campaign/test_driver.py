"""The way from an order to a record, with a server that answers as the service would; only the loads are left out."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import pytest

from campaign import compare, stages
from campaign.driver import Campaign, Order
from campaign.profiles import QUICK
from campaign.progress import CampaignProgress
from campaign.record import Record
from campaign.sample_store import SampleStore
from campaign.serving import Wanted
from campaign_record import target
from load_server import Answering, http_server, write_pictures
from traffic.mix import MixSettings

DESCRIPTION = [{"workers": [{"pid": 7, "status": "READY"}], "batchSize": 8, "customizedMetadata": {"labels": ["a"]}}]


@pytest.fixture
def management():
    """A management API; what it is told to answer can be changed."""
    answers = {"workers": DESCRIPTION[0]["workers"]}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps([DESCRIPTION[0] | answers]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        yield answers, f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def carried_out(folder: Path, url: str, targets: tuple[str, ...] = ("rest",)) -> Record:
    """Carry a campaign out in a new folder."""
    folder.mkdir()
    pictures = write_pictures(folder / "pictures", bad=())
    with http_server(Answering()) as rest, SampleStore(folder / "samples.csv.gz") as store:
        wanted = Wanted(host=rest, management=url, metrics=url, grpc_host="127.0.0.1:7")
        order = Order(QUICK, targets, wanted, 2000.0, pictures, MixSettings())
        with CampaignProgress(10, StringIO()) as progress:
            return Campaign(order, folder, progress, store).run()


def test_two_campaigns_on_one_machine_and_server_differ_in_nothing(management, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(stages, "run", lambda meter, *_: target(meter.target))
    one, other = (carried_out(tmp_path / name, management[1]) for name in "ab")
    assert one.lone_p50_ms != other.lone_p50_ms
    assert "Machine, model and settings are the same." in compare.markdown(one, other, "a", "b")


def test_what_a_dead_server_left_to_measure_is_reported_and_the_rest_named(management, tmp_path: Path, monkeypatch):
    answers, url = management
    monkeypatch.setattr("campaign.place.READY_SECONDS", 0.1)

    def run(meter, *_):
        answers["workers"] = []
        return target(meter.target)

    monkeypatch.setattr(stages, "run", run)
    found = carried_out(tmp_path / "a", url, ("rest", "grpc"))
    assert list(found.targets) == ["rest"]
    assert any(re.match("grpc was not measured: the server did not outlive", note) for note in found.notes)
