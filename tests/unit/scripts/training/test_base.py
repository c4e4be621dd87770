"""The base checkpoint: a directory as it is, or from the hub, once."""

import os
import subprocess
import sys
from pathlib import Path

from hub_stand_in import COMMIT, HubStandIn

ROOT = Path(__file__).resolve().parents[4]
BASE = "owner/base"
FETCH = """
import sys
from pathlib import Path
from model_sources.errors import FetchError
from training import base
try:
    found = base.base_directory(sys.argv[1], Path(sys.argv[2]))
except FetchError as error:
    sys.exit(str(error))
print(found, base.revision_of(found))
"""


def fetch(store: Path, url: str, name: str = BASE) -> subprocess.CompletedProcess[str]:
    """In a process of its own, since the hub is set up by the environment."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGINGFACE_"))}
    roots = os.pathsep.join(str(ROOT / root) for root in ("handler", "scripts"))
    hub = {"PYTHONPATH": roots, "HF_HOME": str(store / "hf-home"), "HF_ENDPOINT": url, "NO_PROXY": "127.0.0.1"}
    command = [sys.executable, "-c", FETCH, name, str(store / "bases")]
    return subprocess.run(command, env=inherited | hub, capture_output=True, text=True, check=False, timeout=120)


def files_of(checkpoint: Path) -> dict[str, bytes]:
    names = ("config.json", "preprocessor_config.json", "model.safetensors")
    return {name: (checkpoint / name).read_bytes() for name in names}


def test_a_base_on_the_hub_is_fetched_once_and_then_used_again(tiny_checkpoint: Path, tmp_path: Path):
    with HubStandIn(BASE, files_of(tiny_checkpoint)) as hub:
        first = fetch(tmp_path, hub.url)
        assert first.returncode == 0, first.stderr
        asked = len(hub.requests)
        second = fetch(tmp_path, hub.url)
        assert (second.stdout, len(hub.requests)) == (first.stdout, asked)
    directory = tmp_path / "bases/owner--base"
    assert first.stdout.split() == [str(directory), COMMIT]
    assert (directory / "model.safetensors").read_bytes() == (tiny_checkpoint / "model.safetensors").read_bytes()
    assert fetch(tmp_path, "http://127.0.0.1:9").stdout == first.stdout


def test_a_base_that_the_hub_refuses_or_nobody_reaches_is_a_sentence(tiny_checkpoint: Path, tmp_path: Path):
    with HubStandIn(BASE, files_of(tiny_checkpoint), token="hf_owner") as hub:
        refused = fetch(tmp_path, hub.url)
    assert refused.returncode == 1
    assert f"{BASE} is private, or there is no such model" in refused.stderr
    unreachable = fetch(tmp_path, "http://127.0.0.1:9")
    assert "http://127.0.0.1:9 cannot be reached" in unreachable.stderr
    assert not (tmp_path / "bases/owner--base").exists()


def test_a_directory_is_taken_as_it_is(tiny_checkpoint: Path, tmp_path: Path):
    found = fetch(tmp_path, "http://127.0.0.1:9", str(tiny_checkpoint))
    assert found.stdout.split()[0] == str(tiny_checkpoint)
    assert not (tmp_path / "bases").exists()
