"""Finds the Java runtime that TorchServe needs.

`python scripts/serving/java.py` prints its home; exit status 1 and a sentence on stderr when there is none.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

OLDEST_VERSION = 11  # the class files of TorchServe 0.12 are compiled for it
PROBE_SECONDS = 20.0


class JavaNotFoundError(RuntimeError):
    """No Java of OLDEST_VERSION or newer; the message lists what was tried and says what to do."""


@dataclass(frozen=True, slots=True)
class Java:
    """A runtime that runs here: `home` is the directory that JAVA_HOME names, `version` its major number."""

    home: Path
    version: int


def find_java(environ: Mapping[str, str] = os.environ) -> Java:
    """Return JAVA_HOME's Java, else the first `java` on PATH. Raises JavaNotFoundError."""
    tried = []
    for origin, executable in _candidates(environ):
        java = probe(executable)
        if java is not None and java.version >= OLDEST_VERSION:
            return java
        tried.append(f"{origin} has {f'version {java.version}' if java else 'none that starts'}")
    raise JavaNotFoundError(
        f"TorchServe needs Java {OLDEST_VERSION} or newer ({'; '.join(tried) or 'PATH has none'}); "
        "run scripts/setup, or install one and set JAVA_HOME"
    )


def probe(executable: Path) -> Java | None:
    """Ask `executable` itself who it is; None when it doesn't start or doesn't answer like a Java."""
    command = [str(executable), "-XshowSettings:properties", "-version"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_settings(answer.stderr)


def parse_settings(text: str) -> Java | None:
    """Read the output of `java -XshowSettings:properties -version`; versions as "21" or, before 9, "1.8"."""
    home = re.search(r"^\s*java\.home = (.+)$", text, re.MULTILINE)
    version = re.search(r"^\s*java\.specification\.version = (?:1\.)?(\d+)", text, re.MULTILINE)
    return Java(Path(home[1].strip()), int(version[1])) if home and version else None


def _candidates(environ: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Yield where to look, in order, as (name for messages, executable)."""
    if home := environ.get("JAVA_HOME"):
        yield f"JAVA_HOME={home}", Path(home, "bin", "java")
    if on_path := shutil.which("java", path=environ.get("PATH")):
        yield on_path, Path(on_path)


if __name__ == "__main__":
    try:
        print(find_java().home)
    except JavaNotFoundError as error:
        sys.exit(str(error))
