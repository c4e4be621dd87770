"""The most that the limits allow in one request neither outlasts responseTimeout nor outgrows max_response_size.

Either would kill the worker. handler/model-config.yaml says what the slowest request was seen to take.
"""

from io import BytesIO

import numpy as np
import pytest
import requests
from PIL import Image

from answers import check_answer
from serving.torchserve_process import TorchServeProcess
from trust_nsfw.settings import Limits

LIMITS = Limits()
SIDE_PX = int(LIMITS.max_pixels**0.5)


@pytest.fixture(autouse=True)
def the_same_worker(server: TorchServeProcess):
    before = server.worker_pids()
    yield
    assert server.worker_pids() == before


def still() -> bytes:
    """Return a transparent PNG of as many pixels as are allowed: two backgrounds, so two model inputs."""
    blocks = np.random.default_rng(1).integers(0, 256, (SIDE_PX // 64 + 1, SIDE_PX // 64 + 1, 4), dtype=np.uint8)
    image = Image.fromarray(blocks).resize((SIDE_PX, SIDE_PX), Image.Resampling.NEAREST)
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def animation() -> bytes:
    """Return an animated PNG of two such frames: of what is allowed, the slowest seen."""
    frames = []
    for seed in (1, 2):
        blocks = np.random.default_rng(seed).integers(0, 256, (SIDE_PX // 64 + 1, SIDE_PX // 64 + 1, 3), dtype=np.uint8)
        frames.append(Image.fromarray(blocks).resize((SIDE_PX, SIDE_PX), Image.Resampling.NEAREST))
    buffer = BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:], compress_level=1)
    return buffer.getvalue()


@pytest.mark.parametrize("largest", [still, animation])
def test_as_many_of_the_largest_pictures_as_are_allowed_are_answered(server, largest):
    picture = largest()
    files = {f"image {index}": picture for index in range(LIMITS.max_images)}
    assert len(picture) * len(files) < 32 * 1024 * 1024
    response = requests.post(f"{server.config.inference.url}/predictions/nsfw", files=files, timeout=600)
    assert response.status_code == 200, response.text
    results = check_answer(response.json())
    assert [result["action"] for result in results].count("error") == 0
    assert len(results) * 2 == LIMITS.max_model_inputs


@pytest.mark.parametrize(("path", "headers"), [("predictions", {"Accept": "image/*"}), ("explanations", {})])
def test_the_largest_picture_is_moderated_and_explained(server, path, headers):
    url = f"{server.config.inference.url}/{path}/nsfw"
    response = requests.post(url, still(), headers={"Content-Type": "image/png", **headers}, timeout=600)
    assert response.status_code == 200
    assert len(response.content) < 32 * 1024 * 1024


def test_noise_that_hardly_compresses_is_moderated_within_the_limit(server):
    side = 3_000
    noise = np.random.default_rng(2).integers(0, 256, (side, side, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(noise).save(buffer, "PNG", compress_level=1)
    assert len(buffer.getvalue()) > 25 * 1024 * 1024
    headers = {"Content-Type": "image/png", "Accept": "image/*"}
    url = f"{server.config.inference.url}/predictions/nsfw"
    response = requests.post(url, buffer.getvalue(), headers=headers, timeout=600)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "image/png")
    assert len(response.content) < 32 * 1024 * 1024
