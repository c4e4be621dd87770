"""One picture, and a decision even when the service is down: python examples/rest.py samples/cat.jpg"""

import os
import sys
from pathlib import Path

from trust_nsfw.client import ModerationClient, ModerationError

url = os.environ.get("TRUST_NSFW_URL", "http://127.0.0.1:8080")
with ModerationClient(url, on_unavailable="review") as client:
    try:
        print(client.classify(Path(sys.argv[1])).action)  # allow, review or blur
    except ModerationError as error:
        sys.exit(f"{error.code}: {error.message}")
