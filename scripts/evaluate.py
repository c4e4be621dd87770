#!/usr/bin/env python3
"""Find out how good a model is on labelled images, through the serving pipeline or a running server.

    python scripts/evaluate.py --model models/mine --data data/nsfw
    python scripts/evaluate.py --archive model_store/nsfw.mar --data data/nsfw --policy strict
    python scripts/evaluate.py --server http://127.0.0.1:8080 --images FOLDER --slices attributes.csv
    python scripts/evaluate.py --model models/mine --images FOLDER --trained-on data/nsfw

The images are a split of a data set that prepare_data.py made (test unless --split says otherwise), or a folder with a
folder for each class. What it found is in evaluations/NAME, whole or not at all: report.html to read, evaluation.json
with every figure, predictions.jsonl, CSV tables and charts. An image that can't be scored is counted by its code.

Images that the model knows from its training make it look better than it is, so the accuracy without near-duplicates of
training images is told, too. --trained-on names the data set it was trained on; without it, that is taken to be --data,
and where the checkpoint's run card says otherwise, the answer is "not known".

Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
"""

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataset.example import SPLITS, DatasetError, PreparedDataset
from evaluation import charts
from evaluation.assessment import Assessment
from evaluation.demo_sheet import demo_png
from evaluation.evaluation_folder import require_ours, write_evaluation
from evaluation.labelled_files import LabelledFile, of_examples, of_folder
from evaluation.machine import describe_machine
from evaluation.metrics import Share
from evaluation.policies import named_policy
from evaluation.predicting import predict, progress_bar
from evaluation.prediction import EvaluationError, Prediction, scored
from evaluation.record import Circumstances, record_of, tables_of
from evaluation.report import NOT_MEASURED, interval, percent, report_html
from evaluation.robustness import Robustness, measure, sample
from evaluation.scorers import ArchiveScorer, CheckpointScorer, Scorer, ServerScorer
from evaluation.slices import Attributes
from evaluation.speed import Speed, TimedScorer
from evaluation.training_twins import TrainingTwins, fingerprint_learned
from evaluation.transformations import TRANSFORMATIONS
from trust_nsfw.errors import StartupError
from trust_nsfw.policy import Policy

ROOT = Path(__file__).resolve().parent.parent
LONE_IMAGES = 40
"""Sent one at a time, for the latency that a single upload sees."""

ROBUSTNESS_IMAGES = 200
FAILED, INTERRUPTED = 1, 130


@dataclass(frozen=True, slots=True)
class Data:
    """The images to evaluate on, what to say of them, and the data set's near-duplicate groups with training images.

    `trained_on` is the data set that the model is said to have been trained on.
    """

    files: tuple[LabelledFile, ...]
    description: dict[str, Any]
    training_groups: frozenset[int] = frozenset()
    trained_on: PreparedDataset | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, having said on stderr why it is not 0."""
    options = parse(arguments)
    try:
        return evaluate(options)
    except (EvaluationError, DatasetError, StartupError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
    except OSError as error:
        print(f"evaluate: {error.filename or options.out or 'evaluation'}: {error.strerror or error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("evaluate: interrupted; nothing was written", file=sys.stderr)
        return INTERRUPTED
    return FAILED


def evaluate(options: argparse.Namespace) -> int:
    """Score, assess, write; returns 0."""
    started_utc = datetime.now(UTC).isoformat(timespec="seconds")
    data = read_data(options)
    policy = named_policy(options.policy)
    out = options.out or default_out(options, data)
    require_ours(out)
    with ExitStack() as stack:
        scorer = TimedScorer(open_scorer(options, policy, stack))
        predictions = predict_all(data.files, scorer)
        fine = scored(predictions)
        attributes = Attributes.read(options.slices, fine) if options.slices else None
        columns = attributes.columns if attributes else {}
        model = scorer.describe()
        twins = twins_of(fine, data, fingerprint_learned(options.model, model.get("revision")))
        assessment = Assessment.of(predictions, policy, columns, twins)
        speed = Speed.of(scorer.calls)
        robustness = None
        if options.robustness:
            robustness = changed(data.files, predictions, scorer.scorer, policy, options.robustness_images)
    circumstances = Circumstances(started_utc, data.description, model, policy, describe_machine())
    record = record_of(
        assessment, circumstances, speed, robustness, attributes.facts(options.slices) if attributes else None
    )
    paths = {file.name: file.path for file in data.files}
    pngs = draw(assessment, robustness, policy) | {
        "demo": demo_png(assessment.scored, assessment.actions, paths, show=options.show)
    }
    tables = tables_of(assessment, predictions, robustness)
    report = report_html(record, pngs)
    write_evaluation(out, predictions=predictions, record=record, tables=tables, pngs=pngs, report=report)
    for warning in assessment.warnings:
        print(f"WARNING: {warning}", file=sys.stderr)
    print(summary(assessment, out))
    return 0


def read_data(options: argparse.Namespace) -> Data:
    """Find the images. Raises DatasetError or EvaluationError where there are none."""
    trained_on = PreparedDataset.read(options.trained_on) if options.trained_on else None
    shown = {"shown": options.show, "trained_on": trained_on and trained_on.fingerprint}
    if options.images:
        return Data(
            tuple(of_folder(options.images)),
            {"source": str(options.images), "split": None, "fingerprint": None} | shown,
            trained_on=trained_on,
        )
    dataset = PreparedDataset.read(options.data)
    files = of_examples(dataset, dataset.of_split(options.split))
    training = frozenset(example.group for example in dataset.examples if example.split == "train")
    description = {"source": str(options.data), "split": options.split, "fingerprint": dataset.fingerprint}
    return Data(tuple(files), description | shown, training, trained_on)


def twins_of(predictions: Sequence[Prediction], data: Data, learned: str | None) -> TrainingTwins:
    """Find out which of the scored images the model may know; `learned` is its training data's fingerprint."""
    fingerprint = data.description["fingerprint"]
    if data.trained_on is not None:
        paths = {file.name: file.path for file in data.files}
        return TrainingTwins.in_training_data(predictions, paths, data.trained_on, fingerprint, learned)
    if fingerprint is None:
        return TrainingTwins()
    split = data.description["split"]
    return TrainingTwins.in_own_data(predictions, split, data.training_groups, fingerprint, learned)


def default_out(options: argparse.Namespace, data: Data) -> Path:
    """Name the result after the model and the data."""
    model = "server" if options.server else (options.model or options.archive).resolve().stem
    return ROOT / "evaluations" / f"{model}-{data.description['split'] or options.images.resolve().name}"


def open_scorer(options: argparse.Namespace, policy: Policy, stack: ExitStack) -> Scorer:
    """Load what scores. A server decides which view counts by its own policy of the same name, or its default."""
    if options.server:
        named = None if options.policy.endswith((".yaml", ".yml")) else policy.name
        return stack.enter_context(ServerScorer(options.server, named, token=options.token))
    if options.archive:
        return ArchiveScorer(options.archive, policy)
    return CheckpointScorer(options.model, options.precision, policy)


def predict_all(files: Sequence[LabelledFile], scorer: Scorer) -> list[Prediction]:
    """Predict some images one at a time and the others in batches; returns them in their order."""
    step = max(4, len(files) // LONE_IMAGES)
    places = [*range(0, len(files), step), *(place for place in range(len(files)) if place % step)]
    lone = len(range(0, len(files), step))
    with progress_bar("scoring", len(files)) as progress:
        found = predict([files[place] for place in places[:lone]], scorer, progress, batch_images=1)
        found += predict([files[place] for place in places[lone:]], scorer, progress)
    return [prediction for _, prediction in sorted(zip(places, found, strict=True), key=lambda pair: pair[0])]


def changed(
    files: Sequence[LabelledFile], predictions: Sequence[Prediction], scorer: Scorer, policy: Policy, limit: int
) -> Robustness:
    """Measure what changing pictures does."""
    places = sample(predictions, limit)
    with progress_bar("robustness", len(places) * len(TRANSFORMATIONS)) as progress:
        return measure(
            [files[place] for place in places], [predictions[place] for place in places], scorer, policy, progress
        )


def draw(assessment: Assessment, robustness: Robustness | None, policy: Policy) -> dict[str, bytes]:
    """Return the charts as PNG by name."""
    found = {
        "confusion": charts.confusion_png(assessment.classification),
        "curves": charts.rankings_png(assessment.rankings),
        "reliability": charts.reliability_png(assessment.calibration),
        "actions": charts.actions_png(assessment.moderation, policy.name),
        "slices": charts.slices_png(assessment.slices),
    }
    return found if robustness is None else found | {"robustness": charts.robustness_png(robustness)}


def summary(assessment: Assessment, out: Path) -> str:
    """Return the answers in a few lines."""
    lines = [f"accuracy {_share(assessment.classification.accuracy)}"]
    lines += [f"missed {label} {_share(assessment.moderation.missed[label].allowed)}" for label in ("porn", "hentai")]
    known = "not known" if assessment.leaked is None else f"{assessment.leaked:,}"
    apart = f", accuracy without them {percent(assessment.unleaked.accuracy.value)}" if assessment.unleaked else ""
    lines.append(f"near-duplicates of training images: {known}{apart}")
    return "\n".join([*lines, f"{out / 'report.html'}"])


def _share(share: Share) -> str:
    return f"{percent(share.value)} ({interval(asdict(share))} images)" if share.cases else NOT_MEASURED


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; leaves with status 2 and a usage line when it is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", type=Path, metavar="CHECKPOINT", help="checkpoint directory, on torch")
    model.add_argument("--archive", type=Path, metavar="MAR", help="built archive, on the engine that serves it here")
    model.add_argument("--server", metavar="URL", help="running server, such as http://127.0.0.1:8080")
    data = parser.add_mutually_exclusive_group(required=True)
    data.add_argument("--data", type=Path, metavar="DATASET", help="folder that prepare_data.py made")
    data.add_argument("--images", type=Path, metavar="FOLDER", help="folder with a folder of images for each class")
    parser.add_argument("--split", choices=SPLITS, default="test", help="of --data (default: test)")
    parser.add_argument("--trained-on", type=Path, metavar="DATASET", help="what the model was trained on")
    parser.add_argument("--policy", default="default", metavar="NAME|FILE", help="what decides (default: default)")
    parser.add_argument("--slices", type=Path, metavar="CSV", help="attributes: file or sha256, then a column for each")
    parser.add_argument("--robustness", action=argparse.BooleanOptionalAction, default=True,
                        help="score transformed pictures, too (default: yes)")  # fmt: skip
    parser.add_argument("--robustness-images", type=int, default=ROBUSTNESS_IMAGES, metavar="N",
                        help=f"how many to transform (default: {ROBUSTNESS_IMAGES})")  # fmt: skip
    parser.add_argument("--precision", default="fp32", choices=("fp32", "bf16", "fp16"), help="of --model")
    parser.add_argument("--token", help="of --server, where it asks for one")
    parser.add_argument("--show", action="store_true", help="blur nothing in the report")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where the evaluation goes")
    options = parser.parse_args(arguments)
    if options.robustness_images < 1:
        parser.error("--robustness-images must be at least 1; --no-robustness leaves it out")
    return options


if __name__ == "__main__":
    sys.exit(main())
