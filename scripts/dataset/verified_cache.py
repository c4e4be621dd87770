"""What earlier runs found out about images, by the sha256 of their bytes, so that none is decoded twice."""

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from dataset.signature import Signature
from dataset.verification import LIMITS, Refused, Verified

CACHE_FILE = ".verified.jsonl"
FORMAT_VERSION = 1
DECODERS = ("pillow", "pillow-heif", "ImageHash")


class VerifiedCache:
    """A file of one line per image, appended to as images are verified. Another decoder or limit makes it void.

    A line that a killed run left unfinished is dropped, with what follows it.
    """

    def __init__(self, folder: Path) -> None:
        """Read the folder's cache, if there is one."""
        self._file = folder / CACHE_FILE
        self._known: dict[str, Verified | Refused] = {}
        self._stream: TextIO | None = None
        if self._file.is_file():
            self._read(self._file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True))

    def get(self, sha256: str) -> Verified | Refused | None:
        """Return what is known of an image."""
        return self._known.get(sha256)

    def add(self, sha256: str, result: Verified | Refused) -> None:
        """Keep what was found out; at once in the file too, so that a kill loses no more than what is being decoded."""
        if sha256 in self._known or (isinstance(result, Refused) and not result.is_final):
            return
        assert self._stream is not None, "to be used within `with`"
        self._known[sha256] = result
        self._stream.write(_line(sha256, result))
        self._stream.flush()

    def __enter__(self) -> "VerifiedCache":
        partial = self._file.with_name(f"{CACHE_FILE}.partial")
        with partial.open("w", encoding="utf-8") as stream:
            stream.write(json.dumps(_conditions()) + "\n")
            stream.writelines(_line(sha256, result) for sha256, result in self._known.items())
        partial.replace(self._file)
        self._stream = self._file.open("a", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()

    def _read(self, lines: list[str]) -> None:
        try:
            if json.loads(lines[0]) != _conditions():
                return
            for line in lines[1:]:
                if not line.endswith("\n"):
                    return
                content = json.loads(line)
                self._known[content["sha256"]] = _result(content)
        except (ValueError, KeyError, TypeError, IndexError):
            return


def _conditions() -> dict[str, Any]:
    """Return what a result depends on besides the image's bytes."""
    return {
        "version": FORMAT_VERSION,
        "limits": asdict(LIMITS),
        "decoders": {name: version(name) for name in DECODERS},
    }


def _line(sha256: str, result: Verified | Refused) -> str:
    kind = "verified" if isinstance(result, Verified) else "refused"
    return json.dumps({"sha256": sha256, kind: asdict(result)}) + "\n"


def _result(content: dict[str, Any]) -> Verified | Refused:
    if (refused := content.get("refused")) is not None:
        return Refused(**refused)
    verified = content["verified"]
    return Verified(**(verified | {"signature": Signature(**verified["signature"])}))
