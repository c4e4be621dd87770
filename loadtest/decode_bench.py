#!/usr/bin/env python3
"""Measure how long an image takes from its bytes to the model's input: transformers' processor against ours, in turn.

    python loadtest/decode_bench.py                         photos of 12 megapixels and of 960x640 px, 15 rounds
    python loadtest/decode_bench.py --sizes 4000x3000

One thread, wall time, in alternating order. It prints a Markdown table of medians with least and most, and of each
round's ratio. Inputs that differ by more than half a level of 255 on average end it with status 1.
"""

import argparse
import sys
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from measuring import machine
from measuring.pictures import photos
from measuring.spread import Spread
from trust_nsfw.images import decode
from trust_nsfw.preprocess import PreprocessingSpec, to_model_input
from trust_nsfw.settings import Limits

SIZES = ((4000, 3000), (960, 640))
VIT = {"image_processor_type": "ViTImageProcessor"}
LIMITS, QUALITY = Limits(), 90
MAX_MEAN_DIFFERENCE = 0.5

Step = Callable[[bytes], Any]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=size, default=list(SIZES), metavar="WIDTHxHEIGHT", help="in px")
    parser.add_argument("--rounds", type=int, default=15, help="measurements of each (%(default)s)")
    options = parser.parse_args(arguments)
    spec = PreprocessingSpec.parse(VIT)
    theirs = stock()

    def ours(payload: bytes) -> NDArray[np.uint8]:
        return project(payload, spec)

    print(f"{machine.describe()['cpu']}, {options.rounds} rounds.\n")
    print("| JPEG | transformers, ms | ours, ms | transformers / ours | mean difference, of 255 |")
    print("|---|---:|---:|---:|---:|")
    for width, height in options.sizes:
        payload = jpeg(width, height)
        difference = float(np.abs(levels(theirs(payload)) - ours(payload)).mean())
        if difference > MAX_MEAN_DIFFERENCE:
            print(f"WRONG INPUT: {width}x{height} differs by {difference:.2f} on average", file=sys.stderr)
            return 1
        pairs = [timed(theirs, ours, payload, turn) for turn in range(options.rounds)]
        ratio = Spread.of(one / other for one, other in pairs)
        cells = [text(Spread.of(column)) for column in zip(*pairs, strict=True)]
        what = f"{width}x{height}, {len(payload) / 1e6:.2f} MB"
        print(f"| {what} | {cells[0]} | {cells[1]} | {text(ratio)} | {difference:.2f} |")
    return 0


def size(words: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT."""
    width, height = (int(word) for word in words.split("x"))
    return width, height


def jpeg(width: int, height: int) -> bytes:
    """Return a photo enlarged or reduced to a size in px."""
    buffer = BytesIO()
    with Image.open(BytesIO(photos(1)[0])) as photo:
        photo.resize((width, height), Image.Resampling.LANCZOS).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def stock() -> Callable[[bytes], NDArray[np.float32]]:
    """Return what a handler by the book does: bytes to normalised values [3, H, W]."""
    processor = ViTImageProcessorPil()

    def run(payload: bytes) -> NDArray[np.float32]:
        with Image.open(BytesIO(payload)) as image:
            values: NDArray[np.float32] = processor(images=[image.convert("RGB")], return_tensors="np")["pixel_values"][
                0
            ]
        return values

    return run


def levels(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return normalised values [3, H, W] as levels of 255 [H, W, 3]."""
    return ((values * 0.5 + 0.5) * 255).round().astype(np.int64).transpose(1, 2, 0)


def project(payload: bytes, spec: PreprocessingSpec) -> NDArray[np.uint8]:
    """Return the model input as the service makes it: structure read, limits checked, decoded small, resized."""
    view = next(decode(payload, LIMITS, spec.decoded_at_least).views)
    return to_model_input(view.rgb, spec, view.box)


def timed(theirs: Step, ours: Step, payload: bytes, turn: int) -> tuple[float, float]:
    """Return the ms of both; who comes first alternates with the turn."""
    if turn % 2:
        own, other = milliseconds(ours, payload), milliseconds(theirs, payload)
        return other, own
    return milliseconds(theirs, payload), milliseconds(ours, payload)


def milliseconds(step: Step, payload: bytes) -> float:
    """Time one call."""
    started = time.perf_counter()
    step(payload)
    return 1000 * (time.perf_counter() - started)


def text(spread: Spread) -> str:
    """Write a median and its range."""
    return f"{spread.median:.1f} ({spread.least:.1f} to {spread.most:.1f})"


if __name__ == "__main__":
    sys.exit(main())
