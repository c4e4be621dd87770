"""A folder of pictures to calibrate or to gate on."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from trust_nsfw.errors import SettingsError


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """The files under a folder, in the order of their paths, and the sha256 of each; hidden ones are left out.

    The same bytes count once: a copy proves nothing that the first has not.
    """

    path: Path
    files: dict[str, Path]

    @classmethod
    def read(cls, path: Path) -> "PictureFolder":
        """Hash every file under `path`; raises SettingsError when that is no folder or it is empty."""
        if not path.is_dir():
            raise SettingsError(f"{path} is not a folder of pictures")
        files: dict[str, Path] = {}
        for file in sorted(path.rglob("*")):
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts):
                with file.open("rb") as stream:
                    files.setdefault(hashlib.file_digest(stream, "sha256").hexdigest(), file)
        if not files:
            raise SettingsError(f"{path} holds no pictures")
        return cls(path, files)

    @property
    def digest(self) -> str:
        """One sha256 over all contents: equal digests mean the same pictures, whatever their names."""
        return hashlib.sha256("\n".join(sorted(self.files)).encode()).hexdigest()

    def require_held_out(self, other: "PictureFolder") -> None:
        """Raise SettingsError when a picture is in both folders: what was calibrated on proves nothing."""
        if shared := self.files.keys() & other.files.keys():
            one = self.files[min(shared)].name
            raise SettingsError(
                f"{len(shared)} of the pictures in {self.path} are also in {other.path}, {one} among them; "
                "the gate needs pictures that calibration has not seen"
            )


@dataclass(frozen=True, slots=True)
class Pictures:
    """What a graph is calibrated and gated on; read once, so that what is recorded is what was used."""

    calibration: PictureFolder | None = None
    gate: PictureFolder | None = None

    @classmethod
    def read(cls, calibration: Path | None, gate: Path | None) -> "Pictures":
        """Read the folders that are given; raises SettingsError for one that can't serve, and for shared pictures."""
        pictures = cls(
            PictureFolder.read(calibration) if calibration else None, PictureFolder.read(gate) if gate else None
        )
        if pictures.calibration and pictures.gate:
            pictures.gate.require_held_out(pictures.calibration)
        return pictures
