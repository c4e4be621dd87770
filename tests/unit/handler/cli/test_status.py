"""health and models."""

import json

from fake_server import fake_http_server
from fake_service import LABELS, MODEL, FakeService


def test_a_ready_worker_is_health(service, run):
    done = run("health")
    assert done.code == 0
    assert done.out.splitlines() == [
        "ready: 1 of 1 workers",
        "model: none (random weights), fake fp32",
        "policies: default, strict; default unless another is named",
    ]


def test_a_worker_that_is_not_ready_is_not(service, run):
    service.ready = False
    done = run("health")
    assert (done.code, done.out, done.err) == (1, "not ready: workers UNLOADING\n", "")


def test_nobody_there_is_not_ready_either(run):
    done = run("health", "--management-url", "http://127.0.0.1:9")
    assert done.code == 1
    assert done.out == "not ready: unreachable: no answer from http://127.0.0.1:9: Connection refused\n"


def test_what_cannot_be_told_is_neither(service, run):
    service.token = "sesame"
    done = run("health")
    assert done.code == 2
    assert done.err.startswith("trust-nsfw: unauthorized: ")
    assert run("health", "--token", "sesame").code == 0
    assert run("health", "--management-url", "nowhere").code == 2


def test_a_server_of_other_models_is_said(run):
    with fake_http_server(FakeService()) as server:
        done = run("models", "--management-url", server.address)
    assert (done.code, done.err) == (2, "trust-nsfw: the server does not describe a model of this service\n")


def test_models_tells_everything_the_service_does(service, run):
    rows = [row.split() for row in run("models").out.splitlines()]
    assert ["labels", "drawing,", "hentai,", "neutral,", "porn,", "sexy"] in rows
    assert ["model", "name", "nsfw"] in rows
    assert ["checkpoint", "none"] in rows
    assert ["policies", "default", "1"] in rows
    assert ["default_policy", "default"] in rows


def test_models_as_json_is_what_the_server_said(service, run):
    told = json.loads(run("models", "--json").out)
    assert told["customizedMetadata"]["model"] == MODEL
    assert told["customizedMetadata"]["labels"] == list(LABELS)
