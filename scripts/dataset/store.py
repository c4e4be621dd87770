"""The images of a data set, named by what they are: images/AB/SHA256.jpg."""

import contextlib
import os
import threading
from collections.abc import Collection
from pathlib import Path

IMAGES = "images"


class ImageStore:
    """A folder of images by the sha256 of their bytes; several threads may put images into it."""

    def __init__(self, folder: Path) -> None:
        """Take a data set's folder."""
        self._folder = folder

    @staticmethod
    def name_of(sha256: str, extension: str) -> str:
        """Return an image's path within the data set's folder."""
        return f"{IMAGES}/{sha256[:2]}/{sha256}.{extension}"

    def put(self, name: str, payload: bytes, origin: Path | None) -> None:
        """See that an image is there: as a second name of its file `origin` where the disk can, else as a copy."""
        place = self._folder / name
        with contextlib.suppress(OSError):
            if place.stat().st_size == len(payload) and place.read_bytes() == payload:
                return
        place.parent.mkdir(parents=True, exist_ok=True)
        partial = place.with_name(f".{place.name}.{threading.get_ident()}.partial")
        partial.unlink(missing_ok=True)
        try:
            if origin is None:
                raise OSError
            os.link(origin.resolve(), partial)
        except OSError:  # another disk, a file system without links, or no file of its own
            partial.write_bytes(payload)
        partial.replace(place)
        partial.unlink(missing_ok=True)  # renaming one name of a file onto another does nothing

    def remove_others(self, names: Collection[str]) -> None:
        """Remove every file that is not one of `names`: images of an earlier source, and what a killed run left."""
        kept = {self._folder / name for name in names}
        for file in (self._folder / IMAGES).rglob("*"):
            if file.is_file() and file not in kept:
                file.unlink()
