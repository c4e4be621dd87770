#!/usr/bin/env python3
"""Choose a policy's thresholds from an evaluation: a recall to reach, at the least review load.

    python scripts/tune_thresholds.py evaluations/trust --base-rate explicit=0.01 --daily-uploads 200000
    python scripts/tune_thresholds.py evaluations/trust --base-rate explicit=0.01 --base-rate sexy=0.05 \\
        --recall-target 0.98 --blur-precision 0.95 --daily-uploads 200000 --review-budget 3000 --name tuned
    python scripts/tune_thresholds.py evaluations/validation --check evaluations/test --strict

EVALUATION is a folder with predictions.jsonl, as evaluate.py and import_verdicts.py write it. Into --out (default:
EVALUATION/thresholds) go NAME.yaml, a policy for handler/policies/ with its tests; thresholds.md, a page for an
operator; thresholds.json; operating_curve.png.

The policy has the default policy's three rules: explicit images are blurred, sexy ones and uncertain ones reviewed; a
rule that the targets don't need is left out. --recall-target is of porn and of hentai each: blurred or reviewed.
--base-rate says how common a class (or explicit, or safe: neutral and drawing) is among uploads; classes not named
share the rest as the evaluation has them. Images that could not be scored count as missed and as reviewed, never as
allowed.

Where the images are too few to promise the recall, the policy is written, and page, policy and output say so; --strict
makes that a failure. Where the review budget is too small, the pages say what it would take, and no policy is written.

Exit status: 0 done, 1 failed (a target or the budget out of reach; with --strict, a recall not promised),
2 wrong usage, 130 interrupted.
"""

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from evaluation.prediction import PREDICTIONS_FILE, EvaluationError, read_predictions
from thresholds import chart, page
from thresholds.base_rates import parse_rates
from thresholds.cases import Cases
from thresholds.curve import Budget
from thresholds.policy_text import policy_text
from thresholds.targets import Targets
from thresholds.tuning import Tuned, tune
from thresholds.written_policy import verify

FAILED, INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, having said on stderr why it is not 0."""
    options = parse(arguments)
    try:
        tuned = tune_on(options)
        is_within = tuned.shortfall is None
        write(options, tuned, with_policy=is_within)
    except EvaluationError as error:
        print(f"tune_thresholds: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"tune_thresholds: {error.filename or options.out}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("tune_thresholds: interrupted; nothing half-written is left", file=sys.stderr)
        return INTERRUPTED
    print(page.summary(tuned))
    if not is_within:
        print(f"tune_thresholds: {tuned.shortfall}; no policy is written", file=sys.stderr)
        return FAILED
    print(f"wrote {options.out / options.name}.yaml, thresholds.md, thresholds.json and operating_curve.png")
    if not tuned.is_promised:
        print(f"tune_thresholds: {page.headline(tuned)}", file=sys.stderr)
        return FAILED if options.strict else 0
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; leaves with status 2 and a usage line when it is wrong."""
    summary, _, details = str(__doc__).partition("\n")
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=summary, epilog=details, formatter_class=raw)
    parser.add_argument("evaluation", metavar="EVALUATION", type=Path, help="folder with predictions.jsonl")
    parser.add_argument("--recall-target", type=share, default=0.98, help="of porn and of hentai (default: 0.98)")
    parser.add_argument("--pooled", action="store_true", help="the recall is of porn and hentai together")
    parser.add_argument(
        "--aim",
        choices=("promised", "observed"),
        default="promised",
        help="what must reach the recall: its 95 %% interval's lower end (the default), or what these images show",
    )
    parser.add_argument("--blur-precision", type=share, help="least explicit share of what is blurred (default: 0.95)")
    parser.add_argument("--blur-fpr", type=share, help="largest share of neutral and drawing images blurred")
    parser.add_argument("--sexy-recall", type=share, help="least share of sexy images reviewed (default: none)")
    parser.add_argument(
        "--base-rate", metavar="NAME=SHARE", action="append", default=[], help="explicit=0.01; repeatable"
    )
    parser.add_argument("--daily-uploads", type=count, help="images a day")
    parser.add_argument("--review-budget", type=count, help="images a day that people can look at")
    parser.add_argument(
        "--check", metavar="EVALUATION", type=Path, help="check on these images, not on held-out fifths"
    )
    parser.add_argument("--out", type=Path, help="folder to write (default: EVALUATION/thresholds)")
    parser.add_argument("--name", default="tuned", help="the policy's name (default: tuned)")
    parser.add_argument("--policy-version", default="1", help="the policy's version (default: 1)")
    parser.add_argument("--draws", type=count, default=500, help="bootstrap draws (default: 500)")
    parser.add_argument("--seed", type=seed, default=0, help="of folds and draws (default: 0)")
    parser.add_argument("--strict", action="store_true", help="status 1 where the recall is not promised")
    options = parser.parse_args(arguments)
    try:
        options.base_rates = parse_rates(options.base_rate)
    except ValueError as error:
        parser.error(f"--base-rate {error}")
    if options.review_budget is not None and options.daily_uploads is None:
        parser.error("--review-budget needs --daily-uploads")
    for option, value in (("--name", options.name), ("--policy-version", options.policy_version)):
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
            parser.error(f"{option} {value!r} holds more than letters, digits, dots, dashes and underscores")
    if options.blur_precision is None and options.blur_fpr is None:
        options.blur_precision = 0.95
    folder = options.evaluation if options.evaluation.is_dir() else options.evaluation.parent
    options.out = options.out or folder / "thresholds"
    return options


def tune_on(options: argparse.Namespace) -> Tuned:
    """Read the evaluations and choose; shows the bootstrap's progress."""
    cases = Cases.read(options.evaluation)
    other = None if options.check is None else (options.check.resolve().name, Cases.read(options.check))
    targets = Targets(
        recall=options.recall_target,
        blur_precision=options.blur_precision,
        blur_fpr=options.blur_fpr,
        sexy_recall=options.sexy_recall,
        pooled=options.pooled,
        aim=options.aim,
    )
    budget = Budget(options.daily_uploads, options.review_budget)
    with tqdm(total=options.draws, desc="bootstrap", unit=" draws", disable=None) as progress:
        return tune(
            cases,
            targets,
            options.base_rates,
            budget,
            other,
            draws=options.draws,
            seed=options.seed,
            progress=progress.update,
        )


def write(options: argparse.Namespace, tuned: Tuned, *, with_policy: bool) -> None:
    """Write the folder's files, the policy last and only once it was seen to decide as promised."""
    file = options.evaluation / PREDICTIONS_FILE if options.evaluation.is_dir() else options.evaluation
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    source = f"{file.resolve().parent.name}/{file.name} (sha256 {digest[:12]}, {sum(tuned.counts.values()):,} images)"
    policy = f"{options.name}.yaml"
    texts = {
        "thresholds.json": json.dumps(page.record(tuned, {"file": file.name, "sha256": digest}), indent=1) + "\n",
        "thresholds.md": page.page(tuned, source, policy if with_policy else None),
    }
    files = {name: text.encode() for name, text in texts.items()}
    files["operating_curve.png"] = chart.png(tuned, f"{source} · {page.headline(tuned)}")
    if with_policy:
        text = policy_text(tuned.point, options.name, options.policy_version, page.remarks(tuned, source))
        verify(text, options.name, tuned.point, read_predictions(file))
        files[policy] = text.encode()
    options.out.mkdir(parents=True, exist_ok=True)
    if not with_policy:
        (options.out / policy).unlink(missing_ok=True)  # an earlier run's would pass for this one's
    for name, content in files.items():
        partial = options.out / f".{name}.partial"
        partial.write_bytes(content)
        partial.replace(options.out / name)


def share(text: str) -> float:
    """Read a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to 1 (98 % is 0.98)")
    return value


def count(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above 0")
    return int(text)


def seed(text: str) -> int:
    """Read a seed that numpy's generators take."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {2**32 - 1:,}")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
