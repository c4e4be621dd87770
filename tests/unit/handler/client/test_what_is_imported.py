"""A client needs the library it speaks with, and nothing of the model."""

import subprocess
import sys

import pytest

import trust_nsfw.client

MODEL_LIBRARIES = ("torch", "numpy", "PIL", "transformers", "safetensors", "yaml", "ts")
NEEDED = {
    "ModerationClient": "requests",
    "AsyncModerationClient": "httpx2",
    "GrpcModerationClient": "grpc",
    "Unscored": None,
    "Backoff": None,
}
SCRIPT = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
import trust_nsfw.client
from trust_nsfw.client import {name}, ModerationError
{use}
print(sorted({blocked} & sys.modules.keys()))
"""


@pytest.mark.parametrize("name", NEEDED)
def test_a_client_works_where_only_its_own_library_is_installed(name):
    others = {"requests", "httpx2", "grpc", "google"} - {NEEDED[name]} - ({"google"} if "Grpc" in name else set())
    script = SCRIPT.format(
        blocked=others | set(MODEL_LIBRARIES), name=name, use=f"{name}" if "Client" not in name else f"{name}()"
    )
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (finished.stdout, finished.stderr) == ("[]\n", "")


def test_every_public_name_has_a_home_and_an_unknown_one_is_an_attribute_error():
    assert set(trust_nsfw.client.__all__) == set(trust_nsfw.client._HOMES)
    for name in trust_nsfw.client.__all__:
        assert getattr(trust_nsfw.client, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Moderator'"):
        _ = trust_nsfw.client.Moderator
