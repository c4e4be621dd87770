"""Starting, refusing, surviving a killed worker, ending."""

import os
import signal
import time
import zipfile
from pathlib import Path

import pytest
import requests

from server import prepare_server
from serving.torchserve_process import StartError, TorchServeProcess

ROOT = Path(__file__).resolve().parents[2]
CAT = (ROOT / "samples/cat.jpg").read_bytes()


def classify(server: TorchServeProcess) -> requests.Response:
    url = f"{server.config.inference.url}/predictions/nsfw"
    return requests.post(url, CAT, headers={"Content-Type": "image/jpeg"}, timeout=60)


def test_a_killed_worker_comes_back_and_a_stop_leaves_no_process(tmp_path, tiny_checkpoint):
    server = prepare_server(tmp_path, tiny_checkpoint, {})
    with server:
        server.wait_until_ready()
        answer = classify(server).json()
        assert answer["model"]["weights"] == "random"
        [worker] = server.worker_pids()
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 120
        while server.worker_pids() in ([], [worker]) or classify(server).status_code != 200:
            assert time.monotonic() < deadline, "the worker did not come back"
            time.sleep(0.5)
        assert classify(server).json()["results"][0]["scores"] == answer["results"][0]["scores"]
        assert len(server.session.members()) >= 3
    assert server.session.members() == []
    assert not server.tmp_dir.exists()


def test_a_model_that_drifted_refuses_at_once_with_the_reason(tmp_path, tiny_checkpoint):
    server = prepare_server(tmp_path, tiny_checkpoint, {})
    archive = tmp_path / "store/nsfw.mar"
    with zipfile.ZipFile(archive) as whole:
        files = {name: whole.read(name) for name in whole.namelist()}
    manifest = files["manifest.json"].replace(b'"porn": 0.', b'"porn": 0.9')
    assert manifest != files["manifest.json"]
    with zipfile.ZipFile(archive, "w") as drifted:
        for name, content in (files | {"manifest.json": manifest}).items():
            drifted.writestr(name, content)
    with server, pytest.raises(StartError, match=r"refused to serve: golden picture 1 of 8: porn is .*recorded was"):
        server.wait_until_ready()
