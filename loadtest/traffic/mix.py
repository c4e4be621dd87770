"""The mix of pictures that a load test sends: generated once and kept on disk, or a folder of one's own files."""

import fcntl
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from traffic.bad_files import bad_files
from traffic.call import Picture
from traffic.formats import MEDIA_TYPES
from traffic.proportions import CLASSES, plan, size_class_of
from traffic.rendering import File, render
from trust_nsfw.errors import ServiceError, UnsupportedFormat
from trust_nsfw.images import BACKGROUNDS, OPAQUE, decode
from trust_nsfw.settings import Limits

FOLDER = Path(__file__).resolve().parents[1] / "pictures"
INDEX = "index.json"
VERSION = 1
"""Of what is generated: to be raised with any change of it, so that no kept mix is taken for another."""

OPAQUE_TYPES = {MEDIA_TYPES[name] for name in OPAQUE}
MOST_THREADS = 4  # each holds a 12-megapixel picture three times, 110 MB


@dataclass(frozen=True, slots=True)
class MixSettings:
    """Which mix. `count` pictures in all, `bad_share` of which (rounded) must be refused."""

    seed: int = 0
    count: int = 48
    bad_share: float = 0.02

    def __post_init__(self) -> None:
        """Raise ValueError for what gives no mix."""
        if self.seed < 0:
            raise ValueError(f"seed {self.seed} is below 0")
        if not 0 <= self.bad_share <= 1:
            raise ValueError(f"a bad share of {self.bad_share:g} is not between 0 and 1")
        if self.good_count < 1:
            raise ValueError(f"{self.count} pictures, {self.bad_share:g} of them bad, leave no good one")

    @property
    def bad_count(self) -> int:
        """How many of `count` are bad."""
        return int(self.count * self.bad_share + 0.5)

    @property
    def good_count(self) -> int:
        """How many of `count` are good."""
        return self.count - self.bad_count

    @property
    def key(self) -> str:
        """Name what is generated: Pillow's version is part of it, for another one may write other bytes."""
        numbers = f"seed{self.seed}-count{self.count}-bad{self.bad_share:g}"
        return f"v{VERSION}-pillow{PIL.__version__}-{numbers}"


@dataclass(frozen=True, slots=True)
class Mix:
    """Pictures to send.

    `bad` holds one file of every kind that must be refused, whatever their share in `pictures`, which are good and
    bad ones in the mix's proportion. `sides_px` are the good ones' width and height, upright, by key.
    """

    good: tuple[Picture, ...]
    bad: tuple[Picture, ...]
    pictures: tuple[Picture, ...]
    sides_px: Mapping[str, tuple[int, int]] = field(repr=False)
    source: str
    seed: int | None

    def summary(self) -> dict[str, Any]:
        """Return what was sent, for a report: counts, formats, sizes by class with mean kB, and where it came from."""
        in_class: dict[str, list[int]] = {each.name: [] for each in CLASSES}
        for picture in self.good:
            in_class[size_class_of(*self.sides_px[picture.key])].append(len(picture.payload))
        names = {media_type: name for name, media_type in MEDIA_TYPES.items()}
        return {
            "source": self.source,
            "seed": self.seed,
            "count": len(self.pictures),
            "bad": sum(picture.error is not None for picture in self.pictures),
            "formats": dict(Counter(names[picture.media_type] for picture in self.good)),
            "sizes": {
                name: {"count": len(sizes), "mean_kB": _mean_kb(sizes)} for name, sizes in in_class.items() if sizes
            },
            "mean_kB": _mean_kb([len(picture.payload) for picture in self.good]),
        }


def open_mix(settings: MixSettings, folder: Path | None = None) -> Mix:
    """Return the generated mix, from `folder` (loadtest/pictures by default) or written there first.

    Any number of processes may ask at once: one writes, the others wait for it.
    """
    kept = (folder or FOLDER) / settings.key
    if not kept.is_dir():
        write_mix(settings, kept)
    return _read(kept)


def write_mix(settings: MixSettings, target: Path) -> None:
    """Generate the mix as the folder `target`, whole or not at all; leave one that is there as it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return
        unfinished = target.parent / f".{target.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)  # of a writer that was killed
        unfinished.mkdir()
        _write(settings, unfinished)
        unfinished.rename(target)
        Path(lock.name).unlink()  # who still waits for it finds the target


def mix_of_folder(folder: Path) -> Mix:
    """Return the mix that `write_mix` left in a folder, or else its JPEG, PNG and WebP files, by name; none is bad.

    Hidden files and folders in it are left out. Raises ValueError where nothing is left, or for a file that the service
    would refuse, with its name and the code.
    """
    if (folder / INDEX).is_file():
        return _read(folder)
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as threads:
        pictures = list(threads.map(_picture_of, files))
    if not pictures:
        raise ValueError(f"{folder} holds no picture")
    good = tuple(pictures)
    sides_px = {picture.key: picture.size_px for picture in good if picture.size_px is not None}
    return Mix(good, (), good, sides_px, source=str(folder), seed=None)


def _picture_of(path: Path) -> Picture:
    """Read a file as the service would, to its last pixel. Raises ValueError for one that it would refuse."""
    payload = path.read_bytes()
    try:
        decoded = decode(payload, Limits())
        if decoded.format not in MEDIA_TYPES:
            raise UnsupportedFormat(f"it is a {decoded.format}")
        inputs = sum(1 for _ in decoded.views)
    except ServiceError as error:
        raise ValueError(f"{path} is no JPEG, PNG or WebP that the service scores: {error.code}, {error}") from None
    size = decoded.width, decoded.height
    return Picture(_key(path.name, payload), payload, MEDIA_TYPES[decoded.format], None, size, inputs)


def _write(settings: MixSettings, folder: Path) -> None:
    # The longest work first, so that all threads end at about the same time.
    planned = sorted(plan(settings.good_count), key=lambda each: -each.side_px)
    with ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1)) as threads:
        good = list(threads.map(lambda each: render(each, settings.seed), planned))
    files = sorted(good, key=lambda file: file.name) + bad_files(settings.seed)
    for file in files:
        (folder / file.name).write_bytes(file.payload)
    index = {"settings": asdict(settings), "pictures": [_entry(file) for file in files]}
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n")


def _entry(file: File) -> dict[str, Any]:
    return {
        "file": file.name,
        "key": _key(file.name, file.payload),
        "media_type": file.media_type,
        "error": file.error,
        "width": file.width,
        "height": file.height,
    }


def _key(name: str, payload: bytes) -> str:
    """Name a file's pixels in a way that two mixes' pictures of one name do not share."""
    return f"{Path(name).stem}-{hashlib.sha256(payload).hexdigest()[:8]}"


def _read(folder: Path) -> Mix:
    index = json.loads((folder / INDEX).read_text())
    settings = MixSettings(**index["settings"])
    entries = index["pictures"]
    files = [_kept(each, (folder / each["file"]).read_bytes()) for each in entries]
    good = tuple(picture for picture in files if picture.error is None)
    bad = tuple(picture for picture in files if picture.error is not None)
    sides_px = {each["key"]: (each["width"], each["height"]) for each in entries if each["error"] is None}
    return Mix(good, bad, _mixed(good, bad, settings), sides_px, source="generated", seed=settings.seed)


def _kept(entry: Mapping[str, Any], payload: bytes) -> Picture:
    """Return a generated picture. None moves, so that no more than two backgrounds make its model inputs."""
    good = entry["error"] is None
    size = (entry["width"], entry["height"]) if good else None
    inputs = len(BACKGROUNDS) if good and entry["media_type"] not in OPAQUE_TYPES else 1
    return Picture(entry["key"], payload, entry["media_type"], entry["error"], size, inputs)


def _mixed(good: Sequence[Picture], bad: Sequence[Picture], settings: MixSettings) -> tuple[Picture, ...]:
    """Return all good pictures and as many bad ones as their share asks for, shuffled by the seed."""
    random = np.random.default_rng(settings.seed)
    kinds = random.permutation(len(bad)).tolist()
    pictures = [*good, *(bad[kinds[index % len(kinds)]] for index in range(settings.bad_count))]
    return tuple(pictures[index] for index in random.permutation(len(pictures)).tolist())


def _mean_kb(sizes: Sequence[int]) -> float:
    return round(sum(sizes) / len(sizes) / 1_000, 1)
