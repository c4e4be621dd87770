"""The hub source against a stand-in of a hub; in processes of its own, since the hub is set up by the environment."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import ViTConfig

import hub_stand_in
from model_sources import random_vit

ROOT = Path(__file__).resolve().parents[3]
HubStandIn, COMMIT = hub_stand_in.HubStandIn, hub_stand_in.COMMIT

TRUST = "Sagnikroy/TRUST-NSFW-Soft-V1"
TINY = ViTConfig(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8
)
DOWNLOAD_ONLY = """
import sys
from pathlib import Path
from model_sources import hub
hub.fetch(Path(sys.argv[1]), sys.argv[2])
"""


@pytest.fixture(scope="module")
def checkpoint_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a tiny checkpoint as a hub repository has them: with a README, without source.json."""
    directory = tmp_path_factory.mktemp("tiny")
    random_vit.write(directory, TINY)
    names = ("config.json", "preprocessor_config.json", "model.safetensors")
    return {name: (directory / name).read_bytes() for name in names} | {"README.md": b"# A model", "train.py": b""}


@pytest.fixture
def hub(checkpoint_files: dict[str, bytes]) -> Iterator[object]:
    with HubStandIn(TRUST, checkpoint_files) as stand_in:
        yield stand_in


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """The environment of a person who has set nothing of the hub's but a home of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HF_", "HUGGINGFACE_"))}
    roots = os.pathsep.join(str(ROOT / root) for root in ("handler", "scripts"))
    return inherited | {"PYTHONPATH": roots, "HF_HOME": str(tmp_path / "hf-home"), "NO_PROXY": "127.0.0.1"}


def fetch_model(settings: dict[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts/fetch_model.py"), *map(str, arguments)]
    return subprocess.run(command, env=settings, capture_output=True, text=True, check=False)


def download(settings: dict[str, str], staging: Path, repo_id: str = TRUST) -> None:
    """Run the hub source alone: no PyTorch, hence quick."""
    staging.mkdir()
    subprocess.run([sys.executable, "-c", DOWNLOAD_ONLY, str(staging), repo_id], env=settings, check=True)


def assert_refused(done: subprocess.CompletedProcess[str], status: int, *words: str) -> None:
    assert done.returncode == status, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [word for word in words if word not in done.stderr] == []


def test_the_trust_model_is_fetched_verified_and_recorded_with_its_commit(hub, settings, tmp_path: Path) -> None:
    done = fetch_model(settings | {"HF_ENDPOINT": hub.url}, "trust", "--out", tmp_path / "models/trust")
    assert done.returncode == 0, done.stderr
    assert TRUST in done.stdout
    assert [entry.name for entry in (tmp_path / "models").iterdir()] == ["trust"]
    fetched = {file.name: file.read_bytes() for file in (tmp_path / "models/trust").iterdir()}
    record = {"checkpoint": TRUST, "revision": COMMIT, "weights": "trained", "license": "apache-2.0"}
    assert json.loads(fetched.pop("source.json")) == record
    assert len(json.loads(fetched.pop("preprocessing.json"))["fingerprint"]) == 64
    assert fetched == {name: hub.files[name] for name in fetched}
    assert hub.names_downloaded() == {"config.json", "preprocessor_config.json", "model.safetensors"}


@pytest.mark.parametrize("is_online", [True, False], ids=["from the hub", "from its cache"])
def test_a_calibrated_model_stays_calibrated(is_online: bool, checkpoint_files, settings, tmp_path: Path) -> None:
    records = {"calibration.json": b'{"temperature": 1.75}', "preprocessing.json": b'{"fingerprint": "f"}'}
    with HubStandIn(TRUST, checkpoint_files | records) as hub:
        settings |= {"HF_ENDPOINT": hub.url}
        download(settings, tmp_path / "first")
    if not is_online:
        download(settings, tmp_path / "again")
    fetched = tmp_path / ("first" if is_online else "again")
    assert {name: (fetched / name).read_bytes() for name in records} == records


def test_the_token_goes_to_the_hub_and_to_nobody_else(checkpoint_files, settings, tmp_path: Path) -> None:
    with HubStandIn(TRUST, checkpoint_files, token="hf_secret") as hub:
        download(settings | {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_secret"}, tmp_path / "staging")
        sent = {(request.at_store, request.authorization) for request in hub.requests if TRUST in request.path}
        assert sent == {(False, "Bearer hf_secret")}
        assert {request.authorization for request in hub.requests if request.at_store} == {None}


def test_an_interrupted_download_goes_on_where_it_stopped_when_run_again(hub, settings, tmp_path: Path) -> None:
    hub.cut_at_bytes, hub.hangs_at_cut = 20_000, True
    online = settings | {"HF_ENDPOINT": hub.url}
    command = [sys.executable, str(ROOT / "scripts/fetch_model.py"), "trust", "--out", str(tmp_path / "models/trust")]
    with subprocess.Popen(command, env=online, stderr=subprocess.PIPE, text=True) as process:
        assert hub.cut_reached.wait(timeout=30)
        time.sleep(0.5)  # for the bytes on their way
        process.send_signal(signal.SIGINT)
        _, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert complaint.splitlines() == ["fetch_model: interrupted; the same command goes on from here"]
    assert list((tmp_path / "models").iterdir()) == []

    download(online, tmp_path / "staging")
    assert (tmp_path / "staging/model.safetensors").read_bytes() == hub.files["model.safetensors"]
    assert hub.ranges_asked_of_store() == ["bytes=0-", "bytes=20000-"]


@pytest.mark.parametrize("absence", ["offline", "unreachable"])
def test_without_a_hub_what_was_fetched_before_comes_from_the_cache(
    absence: str, checkpoint_files, settings, tmp_path: Path
) -> None:
    with HubStandIn(TRUST, checkpoint_files) as hub:
        download(settings | {"HF_ENDPOINT": hub.url}, tmp_path / "first")
        requests_before = len(hub.requests)
        if absence == "offline":
            download(settings | {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "1"}, tmp_path / "second")
            assert len(hub.requests) == requests_before
    if absence == "unreachable":
        download(settings | {"HF_ENDPOINT": hub.url}, tmp_path / "second")
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        assert (tmp_path / "second" / name).read_bytes() == hub.files[name]
    assert json.loads((tmp_path / "second/source.json").read_text())["revision"] == COMMIT


def test_offline_with_nothing_in_the_cache_counts_as_unreachable(hub, settings, tmp_path: Path) -> None:
    offline = settings | {"HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "1"}
    assert_refused(fetch_model(offline, "trust", "--out", tmp_path / "x"), 3, "HF_HUB_OFFLINE")
    assert hub.requests == []


def test_a_hub_nobody_listens_at_is_unreachable_at_once(settings, tmp_path: Path) -> None:
    started = time.monotonic()
    done = fetch_model(settings | {"HF_ENDPOINT": "http://127.0.0.1:9"}, "trust", "--out", tmp_path / "x")
    assert_refused(done, 3, "http://127.0.0.1:9 cannot be reached")
    assert time.monotonic() - started < 5
    assert not (tmp_path / "x").exists()


def test_a_hub_that_never_answers_is_unreachable_within_ten_seconds(settings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = fetch_model(settings | {"HF_ENDPOINT": address}, "trust", "--out", tmp_path / "x")
    assert_refused(done, 3, address)
    assert time.monotonic() - started < 10


def test_a_page_that_asks_to_log_in_to_the_network_is_no_hub(hub, settings, tmp_path: Path) -> None:
    hub.files["main"] = b"<html>Welcome to the airport. Please accept our terms.</html>"
    portal = settings | {"HF_ENDPOINT": hub.store_url}
    assert_refused(fetch_model(portal, "trust", "--out", tmp_path / "x"), 3, "does not answer like a model hub")


def test_a_filter_that_forbids_the_hub_is_no_refusal_of_the_hubs_own(hub, settings, tmp_path: Path) -> None:
    filtered = settings | {"HF_ENDPOINT": f"{hub.url}/forbidden"}
    assert_refused(fetch_model(filtered, "trust", "--out", tmp_path / "x"), 3, "answers with status 403")


def test_a_gated_model_says_to_accept_its_terms_and_to_set_a_token(checkpoint_files, settings, tmp_path: Path) -> None:
    with HubStandIn(TRUST, checkpoint_files, token="hf_accepted", gated=True) as hub:
        for token in ({}, {"HF_TOKEN": "hf_stranger"}):
            done = fetch_model(settings | {"HF_ENDPOINT": hub.url} | token, "trust", "--out", tmp_path / "x")
            assert_refused(done, 4, "gated", f"accept its terms at {hub.url}/{TRUST}", "HF_TOKEN")


def test_a_private_model_and_a_missing_one_say_the_same(checkpoint_files, settings, tmp_path: Path) -> None:
    with HubStandIn(TRUST, checkpoint_files, token="hf_owner") as hub:
        online = settings | {"HF_ENDPOINT": hub.url}
        for repo_id, token in ((TRUST, {}), ("nobody/nothing", {}), ("nobody/nothing", {"HF_TOKEN": "hf_owner"})):
            done = fetch_model(online | token, repo_id, "--out", tmp_path / "x")
            assert_refused(done, 4, f"{repo_id} is private, or there is no such model", "HF_TOKEN")


def test_an_unknown_revision_is_named(hub, settings, tmp_path: Path) -> None:
    done = fetch_model(settings | {"HF_ENDPOINT": hub.url}, "trust", "--revision", "v9", "--out", tmp_path / "x")
    assert_refused(done, 1, f"{TRUST} has no revision v9")


def test_safetensors_are_preferred_and_pickles_left_where_they_are(checkpoint_files, settings, tmp_path: Path) -> None:
    with HubStandIn(TRUST, checkpoint_files | {"pytorch_model.bin": b"a pickle"}) as hub:
        download(settings | {"HF_ENDPOINT": hub.url}, tmp_path / "staging")
        assert "pytorch_model.bin" not in hub.names_downloaded()


def test_all_shards_of_the_weights_are_fetched_and_no_other_file(checkpoint_files, settings, tmp_path: Path) -> None:
    shards = {"model-1.safetensors": b"first", "model-2.safetensors": b"second", "other.safetensors": b"unused"}
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    files = checkpoint_files | shards | {"model.safetensors.index.json": json.dumps(index).encode()}
    del files["model.safetensors"]
    with HubStandIn(TRUST, files) as hub:
        download(settings | {"HF_ENDPOINT": hub.url}, tmp_path / "staging")
    assert (tmp_path / "staging/model-2.safetensors").read_bytes() == b"second"
    assert not (tmp_path / "staging/other.safetensors").exists()


def test_a_repository_without_weights_is_a_refused_checkpoint(checkpoint_files, settings, tmp_path: Path) -> None:
    files = {name: content for name, content in checkpoint_files.items() if name != "model.safetensors"}
    with HubStandIn(TRUST, files) as hub:
        done = fetch_model(settings | {"HF_ENDPOINT": hub.url}, "trust", "--out", tmp_path / "x")
        assert_refused(done, 5, "the checkpoint has no model.safetensors")
