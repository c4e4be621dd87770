#!/usr/bin/env python3
"""Make a checkpoint's probabilities mean what they say: one temperature, fitted on images held out of training.

    python scripts/calibrate.py --model models/mine --data data/nsfw         on its validation split
    python scripts/calibrate.py --model models/mine --images FOLDER          on a folder with a folder for each class
    python scripts/calibrate.py --model models/mine --remove                 take the temperature away

Images go through the serving pipeline without rounding, and without the temperature the checkpoint may have. The result
is calibration.json in the checkpoint directory, which every engine applies, and MODEL.calibration/ with calibration.md
and reliability.png: before and after, on the test split too where the data have one. The same images give the same
files. Where a temperature is no gain on images left out of its fit, nothing is written: the model is then as calibrated
as these images can tell.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 no temperature is a gain, 130 interrupted.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dataset.example import SPLITS, DatasetError, PreparedDataset
from evaluation.calibration_page import page, reliability_png
from evaluation.labelled_files import LabelledFile, of_examples, of_folder
from evaluation.log_probabilities import Logits, UncalibratedModel
from evaluation.predicting import progress_bar
from evaluation.prediction import EvaluationError
from evaluation.temperature_fit import NotCalibrated, Quality, TemperatureFit
from model_sources.publication import is_free, publish, staging_for
from trust_nsfw.checkpoint import weights_sha256
from trust_nsfw.errors import CheckpointError
from trust_nsfw.schema import LABELS
from trust_nsfw.temperature import CALIBRATION_FILE

PAGE_FILE, PLOT_FILE = "calibration.md", "reliability.png"
FEW_IMAGES, FEW_WRONG = 300, 10
WIDE_INTERVAL = 1.25
"""Ratio of an interval's ends above which a temperature is called uncertain."""

FAILED, NO_GAIN, INTERRUPTED = 1, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, having said on stderr why it is not 0."""
    options = parse(arguments)
    try:
        if options.remove:
            remove(options.model)
        else:
            calibrate(options)
    except NotCalibrated as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return NO_GAIN
    except (EvaluationError, DatasetError, CheckpointError) as error:
        print(f"calibrate: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"calibrate: {error.filename or options.model}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("calibrate: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    return 0


def remove(model: Path) -> None:
    """Take calibration.json away."""
    file = model / CALIBRATION_FILE
    if not file.exists():
        raise EvaluationError(f"{model} has no {CALIBRATION_FILE}")
    file.unlink()
    print(f"{file} is removed: the probabilities are the model's own again; rebuild the archive")


def calibrate(options: argparse.Namespace) -> None:
    """Score, fit, write. Raises NotCalibrated, with nothing written, where it would be no gain."""
    out = options.out or options.model.resolve().with_name(f"{options.model.resolve().name}.calibration")
    if not is_free(out, PAGE_FILE):
        raise EvaluationError(f"{out} is there and is no earlier calibration; name another place with --out")
    fitted_on, parts = read_data(options)
    model = UncalibratedModel(options.model)
    with progress_bar("scoring", sum(map(len, parts.values()))) as progress:
        logits = {name: model.logits(files, progress) for name, files in parts.items()}
    held_out, *others = logits
    try:
        fit = TemperatureFit.of(logits[held_out])
    except NotCalibrated as error:
        present = f"; {CALIBRATION_FILE} stays as it was" if (options.model / CALIBRATION_FILE).exists() else ""
        raise NotCalibrated(f"{error}. Nothing was written{present}") from None
    warnings = warnings_of(logits[held_out], fit)
    record = {
        "temperature": fit.temperature,
        "temperature_95": [fit.low, fit.high],
        "fitted_on": fitted_on,
        **figures(logits[held_out], fit.temperature),
        "nll_cross_validated": fit.nll_cross_validated,
        "test": figures(logits[others[0]], fit.temperature) if others else None,
        "weights_sha256": weights_sha256(options.model),
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    with staging_for(out) as staging:
        (staging / PLOT_FILE).write_bytes(reliability_png(fit.temperature, logits))
        (staging / PAGE_FILE).write_text(page(record, options.model.resolve().name, warnings), encoding="utf-8")
        publish(staging, out)
    partial = options.model / f".{CALIBRATION_FILE}.partial"
    partial.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    partial.replace(options.model / CALIBRATION_FILE)
    for warning in warnings:
        print(f"WARNING: {warning}", file=sys.stderr)
    print(summary(record, out))


def read_data(options: argparse.Namespace) -> tuple[dict[str, Any], dict[str, list[LabelledFile]]]:
    """Return where the images come from, and the images by the name of their part: to fit on, and perhaps the test's.

    Raises DatasetError or EvaluationError where there are none.
    """
    if options.images:
        source = {"source": options.images.resolve().name, "split": None, "fingerprint": None}
        return source, {options.images.resolve().name: of_folder(options.images)}
    data = PreparedDataset.read(options.data)
    parts = {options.split: of_examples(data, data.of_split(options.split))}
    if options.split != "test" and any(example.split == "test" for example in data.examples):
        parts["test"] = of_examples(data, data.of_split("test"))
    source = {"source": options.data.resolve().name, "split": options.split, "fingerprint": data.fingerprint}
    return source, parts


def figures(logits: Logits, temperature: float) -> dict[str, Any]:
    """Return what calibration.json says of some images."""
    before, after = asdict(Quality.at(logits, 1)), asdict(Quality.at(logits, temperature))
    return {
        "images": len(logits.classes),
        "unreadable": logits.unreadable,
        **{f"{name}_{when}": found[name] for name in before for when, found in (("before", before), ("after", after))},
    }


def warnings_of(logits: Logits, fit: TemperatureFit) -> list[str]:
    """Return what makes the temperature doubtful, a sentence each."""
    found = []
    if (count := len(logits.classes)) < FEW_IMAGES:
        found.append(f"{count} images are few to fit a temperature on; {FEW_IMAGES} or more tell it well.")
    if (wrong := int((logits.values.argmax(axis=1) != logits.classes).sum())) < FEW_WRONG:
        found.append(
            f"Only {wrong} of {count:,} images are classified wrong, and how sure the model may be rests on those."
        )
    if fit.high > WIDE_INTERVAL * fit.low:
        found.append(f"The temperature is uncertain: other images like these give {fit.low:.2f} to {fit.high:.2f}.")
    if missing := [label for place, label in enumerate(LABELS) if not (logits.classes == place).any()]:
        found.append(f"There is no image of {', '.join(missing)}: nothing is known of how sure the model is there.")
    if logits.unreadable:
        found.append(f"{logits.unreadable} images could not be scored and are left out.")
    return found


def summary(record: dict[str, Any], out: Path) -> str:
    """Return the answer in a few lines."""
    low, high = record["temperature_95"]
    lines = [f"temperature {record['temperature']:.4f} ({low:.3f} to {high:.3f})"]
    parts = [(record["fitted_on"]["split"] or record["fitted_on"]["source"], record)]
    for name, part in [*parts, ("test", record["test"])] if record["test"] else parts:
        lines.append(
            f"{name}: {part['images']:,} images, NLL {part['nll_before']:.4f} -> {part['nll_after']:.4f}, "
            f"ECE {part['ece_before']:.4f} -> {part['ece_after']:.4f}"
        )
    return "\n".join([*lines, f"{out / PAGE_FILE}"])


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; leaves with status 2 and a usage line when it is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, metavar="CHECKPOINT", required=True, help="checkpoint directory")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, metavar="DATASET", help="folder that prepare_data.py made")
    what.add_argument("--images", type=Path, metavar="FOLDER", help="folder with a folder of images for each class")
    what.add_argument("--remove", action="store_true", help=f"take {CALIBRATION_FILE} away")
    parser.add_argument("--split", choices=SPLITS, default="validation", help="of --data (default: validation)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for page and plot (default: MODEL.calibration)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
