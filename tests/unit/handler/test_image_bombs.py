"""Files made to exhaust whoever opens them, each opened by a process of its own that may take little."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import bombs
import pictures

PROCESSOR_SECONDS = 20
GROWTH_MB = 200
"""A bomb's bytes, a copy of them without metadata, and a small picture."""

READER = f"""
import re, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
from trust_nsfw.errors import ServiceError
from trust_nsfw.images import decode
from trust_nsfw.moderated import moderated
from trust_nsfw.schema import Action
from trust_nsfw.settings import Limits

def most_memory_mb():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000

payload, before = sys.stdin.buffer.read(), most_memory_mb()
resource.setrlimit(resource.RLIMIT_CPU, ({PROCESSOR_SECONDS}, {PROCESSOR_SECONDS}))
try:
    for view in decode(payload, Limits()).views:
        pass
    if "moderated" in sys.argv:
        moderated(payload, Action.ALLOW, Limits())
    print("image", most_memory_mb() - before)
except ServiceError as error:
    print(error.code, most_memory_mb() - before)
"""


def opened(payload, *arguments):
    """Return what came of the payload, and by how many MB it made a fresh process grow."""
    outcome, growth = subprocess.run(
        [sys.executable, "-c", READER, *arguments], input=payload, capture_output=True, check=True, timeout=120
    ).stdout.split()
    return outcome.decode(), float(growth)


@pytest.mark.parametrize("bomb", bombs.BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_is_refused_or_defused_in_little_time_and_memory(bomb):
    outcome, growth = opened(bomb(), "moderated")
    assert outcome == bombs.BOMBS[bomb]
    assert growth < GROWTH_MB


def test_the_largest_transparent_picture_takes_memory_for_three_of_its_size():
    payload = pictures.encode(Image.new("RGBA", (7_071, 7_071), (9, 9, 9, 128)), "PNG", compress_level=1)
    outcome, growth = opened(payload)
    assert outcome == "image"
    assert growth < 3.2 * 200


def test_the_largest_deep_picture_takes_memory_for_three_of_its_size():
    grey = np.full((7_071, 7_071), 40_000, np.uint16)
    outcome, growth = opened(pictures.encode(Image.fromarray(grey), "PNG", compress_level=1))
    assert outcome == "image"
    assert growth < 3.2 * 200
