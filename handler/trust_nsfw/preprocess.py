"""RGB image -> the uint8 array the model takes, exactly as the checkpoint's preprocessor_config.json says.

Training and serving call the same function. Only what can be honoured exactly is accepted: a plain resize to a fixed
size with a Pillow filter, then rescale and normalise. A crop, padding or another recipe is refused, never approximated.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trust_nsfw.checkpoint import read_json
from trust_nsfw.errors import CheckpointError

SPEC_FILE = "preprocessor_config.json"
RECORD_FILE = "preprocessing.json"
"""What a checkpoint was trained with: the fingerprint and the spec behind it; scripts/train.py writes it."""

VIT_PROCESSORS = ("ViTImageProcessor", "ViTImageProcessorFast", "ViTImageProcessorPil", "ViTFeatureExtractor")
"""Processors whose unstated options are known: no crop, no padding, rescale by 1/255, bilinear, mean and std 0.5."""

VIT_DEFAULTS: dict[str, Any] = {
    "do_resize": True,
    "size": {"height": 224, "width": 224},
    "resample": int(Image.Resampling.BILINEAR),
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "do_center_crop": False,
}
INERT = {
    "_processor_class",
    "_valid_processor_keys",
    "crop_size",
    "data_format",
    "do_convert_rgb",
    "feature_extractor_type",
    "image_processor_type",
    "input_data_format",
    "pad_size",
    "processor_class",
}
"""Keys that change nothing about a plain resize of an RGB picture, whatever their values."""


SHRUNK_SIDE = 2
"""A picture may be decoded smaller down to this many times the model's sides: the resize then still averages over
pixels enough to come out within a few tenths of 255 of what the whole picture gives."""


@dataclass(frozen=True, slots=True)
class PreprocessingSpec:
    """How pixels become model inputs: squash to (height, width) px, then (pixel * rescale_factor - mean) / std."""

    height: int
    width: int
    resample: int
    rescale_factor: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    @classmethod
    def load(cls, directory: Path) -> "PreprocessingSpec":
        """Read a checkpoint directory's preprocessor_config.json.

        Raises CheckpointError for what we can't honour, and where the directory records that it was trained otherwise.
        """
        spec = cls.parse(read_json(directory / SPEC_FILE))
        if (directory / RECORD_FILE).exists():
            spec._require_record(read_json(directory / RECORD_FILE))
        return spec

    @classmethod
    def parse(cls, config: dict[str, Any]) -> "PreprocessingSpec":
        """Build the spec from the content of preprocessor_config.json; raises CheckpointError naming the key."""
        kind = config.get("image_processor_type", config.get("feature_extractor_type"))
        options = {**(VIT_DEFAULTS if kind in VIT_PROCESSORS else {}), **config}
        if missing := [key for key in VIT_DEFAULTS if options.get(key) is None]:
            raise CheckpointError(f"{SPEC_FILE}: {kind} does not state {', '.join(missing)}")
        unknown = sorted(key for key, value in options.items() if value and key not in (*VIT_DEFAULTS, *INERT))
        if options["do_center_crop"] or unknown:
            refused = ", ".join(unknown) or "do_center_crop"
            raise CheckpointError(f"{SPEC_FILE}: {refused} is not supported; only a plain resize is")
        if not options["do_resize"] or not options["do_rescale"]:
            raise CheckpointError(f"{SPEC_FILE}: do_resize and do_rescale must be true")
        height, width = _fixed_size(options["size"])
        if options["resample"] not in list(Image.Resampling):
            raise CheckpointError(f"{SPEC_FILE}: resample {options['resample']} is not a Pillow filter")
        normalise = options["do_normalize"]
        return cls(
            height=height,
            width=width,
            resample=int(options["resample"]),
            rescale_factor=float(options["rescale_factor"]),
            mean=_channels("image_mean", options["image_mean"]) if normalise else (0.0, 0.0, 0.0),
            std=_channels("image_std", options["image_std"]) if normalise else (1.0, 1.0, 1.0),
        )

    @property
    def decoded_at_least(self) -> tuple[int, int] | None:
        """Width and height in px below which no picture may be decoded; None for the whole picture only.

        Picking single pixels (the nearest) is no averaging: there every pixel matters.
        """
        if self.resample == Image.Resampling.NEAREST:
            return None
        return SHRUNK_SIDE * self.width, SHRUNK_SIDE * self.height

    @property
    def record(self) -> dict[str, Any]:
        """What preprocessing.json holds: the fingerprint, and what it was made of, for whoever has to explain it."""
        content = json.loads(json.dumps(asdict(self) | {"decoded_at_least": self.decoded_at_least}))
        return {"fingerprint": self.fingerprint, **content}

    def _require_record(self, recorded: dict[str, Any]) -> None:
        """Raise CheckpointError when a record's fingerprint is another, naming what differs where that is known."""
        if (fingerprint := recorded.get("fingerprint")) == self.fingerprint:
            return
        differing = [
            f"{key} was {recorded[key]} and is {value}"
            for key, value in self.record.items()
            if key != "fingerprint" and key in recorded and recorded[key] != value
        ]
        raise CheckpointError(
            f"{RECORD_FILE}: it was trained with the preprocessing {str(fingerprint)[:12]}..., this code and "
            f"{SPEC_FILE} make {self.fingerprint[:12]}...: {'; '.join(differing) or 'what differs is not recorded'}. "
            "Its scores would not be those that were evaluated: restore the preprocessing, or train and evaluate anew "
            f"and let that write {RECORD_FILE}"
        )

    @property
    def fingerprint(self) -> str:
        """Sha256 of the spec and of how small a JPEG may be decoded: equal fingerprints mean equal preprocessing."""
        content = asdict(self) | {"decoded_at_least": self.decoded_at_least}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def to_model_input(
    rgb: Image.Image, spec: PreprocessingSpec, box: tuple[float, float, float, float] | None = None
) -> NDArray[np.uint8]:
    """Resize one upright RGB image, or the part of it from left, top to right, bottom in px, with Pillow (antialiased).

    Returns uint8 [height, width, 3], read-only: to be copied to where it is used.
    """
    size = (spec.width, spec.height)
    if rgb.size != size or box is not None:
        rgb = rgb.resize(size, Image.Resampling(spec.resample), box)
    return np.asarray(rgb)


def _fixed_size(size: Any) -> tuple[int, int]:
    """Return (height, width) in px; an int means a square, anything that keeps the aspect ratio is refused."""
    if isinstance(size, int) and not isinstance(size, bool):
        size = {"height": size, "width": size}
    if not isinstance(size, dict) or set(size) != {"height", "width"}:
        raise CheckpointError(f"{SPEC_FILE}: size {size} is not supported; only a fixed height and width are")
    height, width = size["height"], size["width"]
    if not (isinstance(height, int) and isinstance(width, int) and min(height, width) > 0):
        raise CheckpointError(f"{SPEC_FILE}: size {size} is not a number of pixels")
    return height, width


def _channels(key: str, values: Any) -> tuple[float, float, float]:
    """Return three floats, one per RGB channel."""
    if isinstance(values, (int, float)):
        values = [values] * 3
    if not isinstance(values, list) or len(values) != 3 or (key == "image_std" and 0 in values):
        raise CheckpointError(f"{SPEC_FILE}: {key} {values} must be three numbers")
    red, green, blue = (float(value) for value in values)
    return red, green, blue
