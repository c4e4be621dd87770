"""The three clients and the examples against the real server, and TorchServe's own errors as they really look."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

import pictures
from awaited import Awaited
from server import prepare_server
from serving.ports import free_ports
from serving.torchserve_process import TorchServeProcess
from serving.ts_config import write_config
from trust_nsfw.client import (
    Action,
    AsyncModerationClient,
    Backoff,
    Failure,
    GrpcModerationClient,
    ModerationClient,
    RequestLimits,
    Unscored,
    errors,
)

ROOT = Path(__file__).resolve().parents[2]
CAT = ROOT / "samples/cat.jpg"
KINDS = ("rest", "async", "grpc")
GENEROUS = RequestLimits(max_body_bytes=64 * 1024 * 1024)


def grpc_target(server: TorchServeProcess, which: str) -> str:
    address = next(one for one in server.config.addresses() if one.setting.key == f"grpc_{which}_address")
    return f"{address.host}:{address.port}"


def connect(kind: str, server: TorchServeProcess, **options: Any) -> Any:
    if kind == "grpc":
        management = grpc_target(server, "management")
        return GrpcModerationClient(grpc_target(server, "inference"), management_target=management, **options)
    addresses = {"url": server.config.inference.url, "management_url": server.config.management.url}
    if kind == "rest":
        return ModerationClient(**addresses, **options)
    return Awaited(AsyncModerationClient(**addresses, **options))


@pytest.fixture(params=KINDS)
def client(request: pytest.FixtureRequest, server: TorchServeProcess) -> Iterator[Any]:
    with connect(request.param, server) as connected:
        yield connected


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Iterator[TorchServeProcess]:
    """A server of its own that asks for tokens and takes one mebibyte a request; tests may take its worker away."""
    folder = tmp_path_factory.mktemp("guarded")
    prepared = prepare_server(folder, tiny_checkpoint, {})
    settings = {"disable_token_authorization": "false", "max_request_size": str(1024 * 1024)}
    properties = write_config(ROOT / "config.properties", folder / "guarded.properties", free_ports(), settings)
    with TorchServeProcess(properties, prepared.model_store, folder / "logs") as running:
        running.wait_until_ready()
        yield running


def bearer(server: TorchServeProcess, which: str) -> dict[str, str]:
    """Return the header with one of a server's keys: inference, management or API."""
    return {"Authorization": f"Bearer {json.loads(server.key_file.read_text())[which]['key']}"}


def scale(server: TorchServeProcess, workers: int) -> None:
    """Change how many workers serve, and wait for it."""
    response = requests.put(
        f"{server.config.management.url}/models/nsfw",
        params={"min_worker": workers, "max_worker": workers, "synchronous": "true"},
        headers=bearer(server, "management"),
        timeout=120,
    )
    assert response.ok, response.text


def size_of(picture: bytes | Path) -> tuple[int, int]:
    with Image.open(picture if isinstance(picture, Path) else BytesIO(picture)) as opened:
        return opened.size


def test_a_photo_has_one_verdict_whatever_the_client_or_the_way_it_is_sent(server):
    verdicts = []
    for kind in KINDS:
        with connect(kind, server) as connected:
            verdicts.append(connected.classify(CAT, min_confidence=0.5, request_id="r-9"))
            verdicts.extend(connected.classify_many({"a": CAT}, min_confidence=0.5, request_id="r-9").results)
    assert {(verdict.action, verdict.label) for verdict in verdicts} == {(Action.ALLOW, "neutral")}
    assert {verdict.image for verdict in verdicts} == {verdicts[0].image}
    assert verdicts[0].image.sha256 == hashlib.sha256(CAT.read_bytes()).hexdigest()
    assert {verdict.request_id for verdict in verdicts} == {"r-9"}
    for verdict in verdicts:
        assert verdict.scores.neutral == pytest.approx(verdicts[0].scores.neutral, abs=0.001)
        assert [entry.label for entry in verdict.labels] == ["neutral"]
        assert (verdict.model.weights, verdict.policy.name) == ("trained", "default")


def test_forty_images_with_bad_ones_among_them_come_back_in_order(client):
    payloads = [pictures.encode(pictures.picture(seed), "PNG") for seed in range(40)]
    bad = {
        3: (b"", "empty_image"),
        17: (b"no picture", "unsupported_format"),
        33: (pictures.truncated_jpeg(), "corrupt_image"),
    }
    images = {f"№ {seed}": bad.get(seed, (payload, ""))[0] for seed, payload in enumerate(payloads)}
    answer = client.classify_many(images, policy="strict")
    assert answer.ids == tuple(images)
    for index, result in enumerate(answer.results):
        if index in bad:
            assert isinstance(result, Failure)
            assert result.code == bad[index][1]
        else:
            assert result.image.sha256 == hashlib.sha256(payloads[index]).hexdigest()
            assert result.policy.name == "strict"


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", errors.EmptyImage),
        (b"https://example.org/cat.jpg", errors.UrlNotAllowed),
        (b"no picture", errors.UnsupportedFormat),
        (pictures.truncated_jpeg(), errors.CorruptImage),
        (pictures.huge_png(), errors.ImageTooLarge),
    ],
)
def test_a_bad_image_raises_its_error_alone_and_is_a_failure_among_others(client, payload, error):
    with pytest.raises(error) as caught:
        client.classify(payload)
    good, bad = client.classify_many([CAT, payload]).results
    assert good.label == "neutral"
    assert (bad.code, bad.status) == (caught.value.code, caught.value.status) == (error.code, error.status)


def test_a_policy_or_model_that_is_not_there(server, client):
    with pytest.raises(errors.UnknownPolicy, match="known are"):
        client.classify(CAT, policy="nope")
    with pytest.raises(errors.UnknownPolicy):
        client.classify_many([CAT], policy="nope")
    for kind in KINDS:
        for options in ({"model": "other"}, {"version": "9.9"}):
            with connect(kind, server, **options) as connected, pytest.raises(errors.NotFound):
                connected.classify(CAT)


def test_an_impossible_confidence_is_an_invalid_request(client):
    with pytest.raises(errors.InvalidRequest):
        client.classify(CAT, min_confidence=85)


def test_animations_with_more_frames_than_one_request_may_hold_all_get_their_verdicts(client):
    images = [pictures.animated_gif(8)] * 5 + [CAT]
    answer = client.classify_many(images)
    assert [result.image.frames for result in answer.results] == [8] * 5 + [1]


def test_a_picture_that_base64_would_make_too_long_goes_raw(client):
    noise = BytesIO()
    Image.effect_noise((5100, 5100), 100).save(noise, "PNG", compress_level=0)
    assert 24 * 1024 * 1024 < len(noise.getvalue()) < 32 * 1024 * 1024
    big, small = client.classify_many([noise.getvalue(), CAT]).results
    assert (big.image.width, small.label) == (5100, "neutral")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_too_long_for_the_server_is_request_too_large_whoever_notices(server, kind):
    body = bytes(33 * 1024 * 1024)
    for limits in (None, GENEROUS):
        with connect(kind, server, limits=limits) as connected, pytest.raises(errors.RequestTooLarge):
            connected.classify(body)


@pytest.mark.parametrize("kind", ["rest", "async"])
def test_a_moderated_picture_is_a_picture(server, kind):
    with connect(kind, server) as connected:
        moderated = connected.moderated(CAT)
        assert (moderated.action, moderated.label) == (Action.ALLOW, "neutral")
        assert size_of(moderated.content) == size_of(CAT)
        with pytest.raises(errors.CorruptImage):
            connected.moderated(pictures.truncated_jpeg())


@pytest.mark.parametrize("kind", ["rest", "async"])
def test_an_explanation_has_a_grid_and_an_overlay(server, kind):
    with connect(kind, server) as connected:
        explained = connected.explain(CAT)
        assert explained.verdict.label == explained.explanation.target == "neutral"
        assert {len(row) for row in explained.explanation.grid} == {14}
        assert explained.overlay_png.startswith(b"\x89PNG")
        assert min(size_of(explained.overlay_png)) > 0


def test_describe_and_ready(client):
    assert client.describe()["customizedMetadata"]["policies"]["default"] == "1"
    assert client.ready() is True


@pytest.mark.parametrize("kind", KINDS)
def test_tokens(guarded, kind, tmp_path):
    with connect(kind, guarded, key_file=guarded.key_file) as connected:
        assert connected.classify(CAT).label
        assert connected.ready() is True
    for options in ({}, {"token": "guess", "management_token": "guess"}):
        with connect(kind, guarded, **options) as connected:
            for ask in (lambda: connected.classify(CAT), connected.ready):
                with pytest.raises(errors.Unauthorized, match="Token"):
                    ask()


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_token_is_found_in_the_key_file(guarded, kind):
    with connect(kind, guarded, key_file=guarded.key_file) as connected:
        connected.classify(CAT)
        before = guarded.key_file.read_text()
        url = f"{guarded.config.management.url}/token"
        assert requests.get(url, params={"type": "inference"}, headers=bearer(guarded, "API"), timeout=60).ok
        assert guarded.key_file.read_text() != before
        assert connected.classify(CAT).label


@pytest.mark.parametrize("kind", KINDS)
def test_batches_shrink_to_what_a_server_takes(guarded, kind):
    payloads = [pictures.encode(Image.effect_noise((600, 600), 100), "PNG") for _ in range(8)]
    assert sum(map(len, payloads)) > 2 * 1024 * 1024
    with connect(kind, guarded, key_file=guarded.key_file) as connected:
        answer = connected.classify_many(payloads)
    assert [result.image.sha256 for result in answer.results] == [hashlib.sha256(one).hexdigest() for one in payloads]


def test_without_a_worker_it_is_overloaded_and_calls_that_wait_are_answered_when_one_is_back(guarded):
    options = {"key_file": guarded.key_file, "deadline_seconds": 120.0}
    impatient = options | {"backoff": Backoff(attempts=2)}
    scale(guarded, 0)
    for kind in KINDS:
        with connect(kind, guarded, **impatient) as connected:
            assert connected.ready() is False
            with pytest.raises(errors.Overloaded, match="no worker"):
                connected.classify(CAT)
        with connect(kind, guarded, **impatient, on_unavailable="review") as connected:
            unscored = connected.classify(CAT)
            assert isinstance(unscored, Unscored)
            assert (unscored.action, unscored.code) == (Action.REVIEW, "overloaded")
            assert {result.code for result in connected.classify_many([CAT] * 3).results} == {"overloaded"}

    def wait_for_a_verdict(kind: str) -> str:
        with connect(kind, guarded, **options) as connected:
            return connected.classify(CAT).label

    with ThreadPoolExecutor(len(KINDS)) as pool:
        waiting = [pool.submit(wait_for_a_verdict, kind) for kind in KINDS]
        time.sleep(1.0)
        assert not any(call.done() for call in waiting)
        scale(guarded, 1)
        assert len({call.result() for call in waiting}) == 1


def run_example(server: TorchServeProcess, *command: str) -> subprocess.CompletedProcess[str]:
    addresses = {"TRUST_NSFW_URL": server.config.inference.url, "TRUST_NSFW_GRPC": grpc_target(server, "inference")}
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | addresses, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ((sys.executable, "examples/rest.py", "samples/cat.jpg"), "allow\n"),
        ((sys.executable, "examples/async_batch.py", "samples/cat.jpg"), "samples/cat.jpg allow\n"),
        ((sys.executable, "examples/grpc_call.py", "samples/cat.jpg"), "allow neutral {"),
        (("examples/curl.sh", "samples/cat.jpg"), '{"model":'),
        (("node", "examples/fetch.mjs", "samples/cat.jpg"), "allow\n"),
    ],
)
def test_an_example_does_what_it_says(server, command, output):
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]} here")
    finished = run_example(server, *command)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith(output)


def test_an_example_gets_the_picture_fit_to_show(server, tmp_path):
    finished = run_example(server, "examples/curl.sh", "samples/cat.jpg", str(tmp_path / "shown.jpg"))
    assert finished.returncode == 0, finished.stderr
    assert size_of(tmp_path / "shown.jpg") == size_of(CAT)


def test_an_example_says_what_is_wrong_with_a_file_that_is_no_picture(server):
    finished = run_example(server, sys.executable, "examples/rest.py", "README.md")
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith("unsupported_format: ")
