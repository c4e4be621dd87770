"""Every installed package is pinned, in the version that is installed."""

import re
import sysconfig
from importlib.metadata import distributions
from pathlib import Path

CONSTRAINTS = Path(__file__).resolve().parents[2] / "constraints.txt"
NOT_OURS = re.compile(r"trust-nsfw|pip|setuptools|nvidia-.*|cuda-.*|triton")
"""The project, what a virtual environment begins with, and what torch pins itself where it brings CUDA."""


def test_what_is_installed_is_what_is_pinned():
    lines = [line.partition("==") for line in CONSTRAINTS.read_text().splitlines() if line and line[0] != "#"]
    pinned = {_canonical(name): version for name, _, version in lines}
    places = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]  # not what setuptools carries within
    installed = {_canonical(one.metadata["Name"]): one.version.partition("+")[0] for one in distributions(path=places)}
    wrong = {name: version for name, version in installed.items() if pinned.get(name) != version}
    assert not {name for name in wrong if not NOT_OURS.fullmatch(name)}


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
