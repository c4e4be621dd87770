#!/usr/bin/env python3
"""Take in reviewers' verdicts on stored answers: live precision and recall by action, and images to tune on.

    python scripts/import_verdicts.py verdicts.jsonl --out evaluations/live
    python scripts/tune_thresholds.py evaluations/live --base-rate explicit=0.01

Each line of VERDICTS is an object with `answer` (a whole answer of the service, or one result), `verdict` (drawing,
hentai, neutral, porn, sexy, explicit or safe) and, where only a random part of such images is looked at, `sampled` (its
probability) or `weight` (1/probability). A line that `trust-nsfw classify --format jsonl` wrote, with `verdict` added,
will do. For an answer with several results, `verdict` is a list, null for those nobody looked at.

Precision of an action needs verdicts on images with that action. Recall needs a random sample of allowed images with
its probability given as `sampled`; without one it is of what was looked at, and marked so.

Into --out go predictions.jsonl and weights.json, which tune_thresholds.py reads, and verdicts.json, the live figures;
in the place of an earlier import, never of anything else.
Lines that are no verdict are listed with their numbers, and nothing is written unless --leave-out-malformed says so.

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.prediction import PREDICTIONS_FILE, Prediction, write_predictions
from model_sources.publication import publish, staging_for
from thresholds.cases import WEIGHTS_FILE
from thresholds.live import LiveFigures, group_numbers
from thresholds.verdict_lines import Reviewed, VerdictFile, read_lines

VERDICTS_FILE = "verdicts.json"
FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, having said on stderr why it is not 0."""
    options = parse(arguments)
    if not is_ours(options.out):
        return fail(f"{options.out} is there and is no earlier import; name another place with --out")
    try:
        with options.verdicts.open("rb") as stream:
            found = read_lines(stream)
        for line in found.malformed:
            print(f"{options.verdicts}, {line}", file=sys.stderr)
        if found.malformed and not options.leave_out_malformed:
            return fail(f"{len(found.malformed):,} lines are no verdicts; mend them, or --leave-out-malformed")
        if not found.reviewed:
            return fail(f"{options.verdicts} holds no verdict")
        figures = LiveFigures.of(found.reviewed)
        write(options.out, found, figures)
    except OSError as error:
        return fail(f"{error.filename or options.verdicts}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("import_verdicts: interrupted", file=sys.stderr)
        return INTERRUPTED
    print(figures)
    print(f"without a verdict: {found.without_verdict:,} results; malformed: {len(found.malformed):,} lines")
    print(f"wrote {len(found.reviewed):,} images to {options.out / PREDICTIONS_FILE}")
    return 0


def fail(message: str) -> int:
    """Say why the command fails; returns its exit status."""
    print(f"import_verdicts: {message}", file=sys.stderr)
    return FAILED


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; leaves with status 2 and a usage line when it is wrong."""
    summary, _, details = str(__doc__).partition("\n")
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=summary, epilog=details, formatter_class=raw)
    parser.add_argument("verdicts", metavar="VERDICTS", type=Path, help="file of JSON lines")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--leave-out-malformed", action="store_true", help="go on without lines that are no verdict")
    return parser.parse_args(arguments)


def is_ours(folder: Path) -> bool:
    """Whether a place is free, an empty folder, or an earlier import."""
    if not folder.exists():
        return True
    return folder.is_dir() and ((folder / VERDICTS_FILE).is_file() or not any(folder.iterdir()))


def write(folder: Path, found: VerdictFile, figures: LiveFigures) -> None:
    """Write the folder's three files, all or none; thresholds tuned on an earlier import stay beside them."""
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    groups = group_numbers(found.reviewed)
    malformed = [{"line": line.line, "why": line.why} for line in found.malformed]
    record = figures.record() | {"without_verdict": found.without_verdict, "malformed": malformed}
    predictions = [prediction(one, group) for one, group in zip(found.reviewed, groups, strict=True)]
    with staging_for(folder) as staging:
        if folder.exists():
            shutil.copytree(folder, staging, dirs_exist_ok=True)
        for name, content in ((WEIGHTS_FILE, [one.weight for one in found.reviewed]), (VERDICTS_FILE, record)):
            (staging / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        write_predictions(staging / PREDICTIONS_FILE, predictions)
        publish(staging, folder)


def prediction(one: Reviewed, group: int | None) -> Prediction:
    """Return a reviewed image as a labelled prediction."""
    return Prediction(
        file=one.name,
        label=one.label,
        scores=None if one.scores is None else one.scores.classes(),
        error=one.error,
        sha256=str(one.image.get("sha256", "")),
        format=one.image.get("format"),
        width=one.image.get("width"),
        height=one.image.get("height"),
        group=group,
    )


if __name__ == "__main__":
    sys.exit(main())
