"""Load the REST API with ordinary photos; every answer is checked, and a wrong one counts as a failure.

locust -f loadtest/locustfile.py --host http://127.0.0.1:8080
"""

import random
from io import BytesIO
from pathlib import Path

from locust import FastHttpUser, task
from PIL import Image

PHOTO = Path(__file__).resolve().parent.parent / "samples/cat.jpg"
WIDTHS_PX = range(96, 640, 32)
SUM_TOLERANCE = 3e-6


def photos() -> list[bytes]:
    """Return the sample photo as JPEGs of many sizes."""
    with Image.open(PHOTO) as photo:
        photo.load()
    encoded = []
    for width in WIDTHS_PX:
        buffer = BytesIO()
        photo.resize((width, width * photo.height // photo.width)).save(buffer, "JPEG", quality=85)
        encoded.append(buffer.getvalue())
    return encoded


class Uploader(FastHttpUser):
    """A user who sends one photo after another, with no pause between."""

    photos = photos()

    @task
    def single_image(self) -> None:
        """Send one raw image and check its five probabilities."""
        with self.client.post(
            "/predictions/nsfw",
            data=random.choice(self.photos),
            headers={"Content-Type": "image/jpeg"},
            catch_response=True,
        ) as response:
            if response.status_code != 200:
                response.failure(f"status {response.status_code}: {response.text[:200]}")
                return
            scores = response.json()["results"][0]["scores"]
            if len(scores) != 5 or abs(sum(scores.values()) - 1) > SUM_TOLERANCE:
                response.failure(f"not five probabilities: {scores}")
