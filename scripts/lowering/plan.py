"""What graph is wanted of a checkpoint, and what can be had with what was given."""

import importlib.util
from dataclasses import dataclass, replace
from pathlib import Path

from trust_nsfw.errors import SettingsError

PRECISIONS = ("auto", "none", "fp32", "bf16", "int8-dynamic", "int8")
"""Of a graph; auto settles on one of the others, none leaves the graph out and torch serves."""

QUANTIZED = ("int8-dynamic", "int8")
GAIN = "1.5 to 2 times as many images a second as bf16"
"""Of int8, see docs/performance.md."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What build_archive.py was asked for; folders are searched through for pictures."""

    precision: str = "auto"
    merge_tokens: int = 0
    calibration_images: Path | None = None
    gate_images: Path | None = None
    force: bool = False

    @property
    def lossy(self) -> bool:
        """Whether the graph's scores differ from the checkpoint's by more than rounding."""
        return self.precision in QUANTIZED or self.merge_tokens > 0

    def settled(self, weights: str) -> tuple["Plan", str]:
        """Return the plan with a definite precision for a checkpoint's `weights`, trained or random, and why that one.

        auto is int8 where it can be calibrated and gated, else bf16, which needs neither. Raises SettingsError for a
        plan that lacks what it needs.
        """
        if importlib.util.find_spec("openvino") is None:
            if self.precision not in ("auto", "none") or self.merge_tokens:
                raise SettingsError(f"--precision {self.precision}: OpenVINO is not installed (extra `openvino`)")
            return replace(self, precision="none"), "no OpenVINO here: torch will serve"
        if self.precision == "none" and self.merge_tokens:
            raise SettingsError("--merge-tokens: tokens are merged in the graph, which --precision none leaves out")
        settled, reason = self, f"{self.precision}, as asked for"
        if self.precision == "auto":
            settled, reason = self._automatic()
        if settled.precision in QUANTIZED and importlib.util.find_spec("nncf") is None:
            raise SettingsError(f"--precision {settled.precision}: NNCF is not installed (extra `openvino`)")
        if settled.precision == "int8" and self.calibration_images is None and weights != "random":
            raise SettingsError("--precision int8 is calibrated on pictures like your traffic: --calibration-images")
        if settled.lossy and self.gate_images is None and weights != "random" and not self.force:
            what = settled.precision if settled.precision in QUANTIZED else "--merge-tokens"
            raise SettingsError(f"{what} must show that decisions stay the same: --gate-images (or --force)")
        return settled, reason

    def _automatic(self) -> tuple["Plan", str]:
        if self.calibration_images and self.gate_images:
            return replace(self, precision="int8"), "int8, the fastest, as there are pictures to calibrate and gate it"
        lacking = [
            name
            for name, folder in (
                ("--calibration-images", self.calibration_images),
                ("--gate-images", self.gate_images),
            )
            if folder is None
        ]
        precision = "bf16"
        if self.merge_tokens:  # a lossy graph is served in the very precision that it was gated in
            from trust_nsfw.engines.candidates import cpu_has_bf16  # noqa: PLC0415 - brings torch

            precision = "bf16" if cpu_has_bf16() else "fp32"
        return replace(self, precision=precision), (
            f"{precision}, which needs no calibration; int8 would answer {GAIN}: add {' and '.join(lacking)}"
        )
