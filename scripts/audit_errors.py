#!/usr/bin/env python3
"""Look at what a model gets wrong: false negatives, false positives, labels that are probably wrong, pictures it knew.

    python scripts/audit_errors.py evaluations/mine-test --data data/nsfw
    python scripts/audit_errors.py evaluations/mine-photos --data data/nsfw --images photos/
    python scripts/audit_errors.py evaluations/mine-test --data data/nsfw --policy strict --show

EVALUATION is a folder that evaluate.py wrote, --data the data set that the model was trained on: the pictures that
resemble its training split are told. The evaluated pictures are looked for where they were evaluated, or in --images.
The policy is the one that was evaluated unless another is named.

EVALUATION.audit/, whole or not at all, holds report.html to read; audit.json; errors.csv, label_errors.csv and
near_duplicates.csv with every image; and contact sheets. Pictures whose label, or likely label, is not neutral or
drawing, and those that the policy blurs, are blurred unless --show is given.

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dataset.example import DatasetError, PreparedDataset
from evaluation.audit import Audit
from evaluation.audit_page import Sheets, page, summary
from evaluation.evaluation_folder import RECORD_FILE, REPORT_FILE
from evaluation.measuring import measured
from evaluation.neighbours import training_neighbours
from evaluation.policies import named_policy, recorded_policy
from evaluation.prediction import PREDICTIONS_FILE, EvaluationError, Prediction, read_predictions, scored
from model_sources.publication import is_free, publish, staging_for
from trust_nsfw.errors import PolicyError

AUDIT_FILE = "audit.json"
FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, having said on stderr why it is not 0."""
    options = parse(arguments)
    try:
        audit_errors(options)
    except (EvaluationError, DatasetError, PolicyError) as error:
        print(f"audit_errors: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"audit_errors: {error.filename or options.evaluation}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("audit_errors: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    return 0


def audit_errors(options: argparse.Namespace) -> None:
    """Measure the pictures, audit, write."""
    evaluation = options.evaluation.resolve()
    out = options.out or evaluation.with_name(f"{evaluation.name}.audit")
    if not is_free(out, AUDIT_FILE):
        raise EvaluationError(f"{out} is there and is no earlier audit; name another place with --out")
    predictions = read_predictions(evaluation / PREDICTIONS_FILE)
    evaluated = read_record(evaluation / RECORD_FILE)
    data = PreparedDataset.read(options.data)
    policy = named_policy(options.policy) if options.policy else recorded_policy(evaluated["policy"])
    is_ours = evaluated["data"]["fingerprint"] == data.fingerprint
    root = options.images or (data.folder if is_ours else Path(evaluated["data"]["source"]))
    fine = scored(predictions)
    paths = {one.file: root / one.file for one in fine}
    facts = measured(fine, paths)
    is_training = is_ours and evaluated["data"]["split"] == "train"
    neighbours = None if is_training else training_neighbours(fine, facts, data, own_groups=is_ours)
    audit = Audit.of(fine, facts, policy, neighbours)
    pngs = Sheets(audit, paths, data.folder, show=options.show).pngs()
    record = {
        "evaluation": str(options.evaluation),
        "evaluated_utc": evaluated["started_utc"],
        "model": evaluated["model"].get("checkpoint") or evaluated["model"].get("source") or "an unknown model",
        "data": evaluated["data"] | {"shown": options.show},
        "training_data": {"source": str(options.data), "fingerprint": data.fingerprint},
        "policy": asdict(policy),
        "warnings": warnings_of(predictions, audit),
    } | audit.record()
    out.parent.mkdir(parents=True, exist_ok=True)
    with staging_for(out) as staging:
        (staging / AUDIT_FILE).write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (staging / REPORT_FILE).write_text(page(record, pngs), encoding="utf-8")
        for name, table in audit.tables().items():
            (staging / name).write_text(table, encoding="utf-8")
        for name, png in pngs.items():
            (staging / f"{name}.png").write_bytes(png)
        publish(staging, out)
    for warning in record["warnings"]:
        print(f"WARNING: {warning}", file=sys.stderr)
    print(f"{summary(record)}\n{out / REPORT_FILE}")


def read_record(file: Path) -> Mapping[str, Any]:
    """Read evaluation.json. Raises EvaluationError where it is missing or something else."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(f"{file} cannot be read: {error.strerror}; evaluate.py writes it") from None
    except ValueError as error:
        raise EvaluationError(f"{file} is not JSON: {error}") from None
    if not isinstance(record, dict) or not {"data", "model", "policy", "started_utc"} <= record.keys():
        raise EvaluationError(f"{file} is no evaluation's record")
    return record


def warnings_of(predictions: Sequence[Prediction], audit: Audit) -> list[str]:
    """Return what is left out or to be doubted, a sentence each."""
    found = []
    if unscored := sum(one.scores is None for one in predictions):
        found.append(f"{unscored:,} of {len(predictions):,} images could not be scored and are not looked at here.")
    if audit.neighbours is None:
        found.append(
            "These are training images: the model has learned their labels, wrong ones too, so errors and suspect "
            "labels are fewer than they would be elsewhere."
        )
    elif odd := sum(audit.predictions[one.place].label != one.training.label for one in audit.neighbours):
        found.append(f"{odd:,} images are labelled otherwise than a training image that they resemble.")
    return found


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; leaves with status 2 and a usage line when it is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evaluation", type=Path, metavar="EVALUATION", help="folder that evaluate.py wrote")
    parser.add_argument("--data", type=Path, metavar="DATASET", required=True, help="what the model was trained on")
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="where the evaluated images lie now")
    parser.add_argument("--policy", metavar="NAME|FILE", help="what decides (default: as evaluated)")
    parser.add_argument("--show", action="store_true", help="blur nothing")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the audit goes (default: EVALUATION.audit)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
