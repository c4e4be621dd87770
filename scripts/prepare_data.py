#!/usr/bin/env python3
"""Prepare a data set: every image verified, near-duplicates grouped, split 80/10/10, and described in a card.

    python scripts/prepare_data.py deepghs/nsfw_detect --out data/nsfw           from the hub: gated, needs HF_TOKEN
    python scripts/prepare_data.py photos/ --out data/mine                       class folders drawing, hentai, ...
    python scripts/prepare_data.py photos/ --out data/naive --naive-split        the published random split, which leaks

SOURCE is the id of a data set on the hub (zip archives of class folders, Parquet, or image folders), a folder of class
folders, a data set saved by the library `datasets`, or a .zip or .parquet file. Run again, it decodes only what is new;
the same images and options give the same index.csv, byte for byte.

OUT holds index.csv, images/, card.json, card.md, card.png, quarantine.csv, duplicates.csv, conflicts.csv, names.csv.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 hub unreachable, 4 access refused, 130 interrupted.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from dataset import hub_dataset
from dataset.archive import ZipArchives
from dataset.example import INDEX_FILE, DatasetError, PreparedDataset, index_csv
from dataset.folder import ImageFolder
from dataset.intake import Intake, take_in
from dataset.source_image import Source
from dataset.splitting import PUBLISHED_SEED, SplitMethod
from dataset.store import ImageStore
from dataset.verified_cache import CACHE_FILE, VerifiedCache
from model_sources.errors import FetchError
from model_sources.hub import DEFAULT_REVISION
from model_sources.hub_errors import AccessRefused, HubUnreachable
from model_sources.publication import alone_in
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.schema import LABELS

FAILED, WRONG_USAGE, HUB_UNREACHABLE, ACCESS_REFUSED, INTERRUPTED = 1, 2, 3, 4, 130
SAVED_DATASET_FILES = ("dataset_info.json", "dataset_dict.json")
VIT_PROCESSOR = {"image_processor_type": "ViTImageProcessor"}


class UsageError(Exception):
    """The arguments name no source, or a destination that must not be touched."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, having said on stderr why it is not 0."""
    options = parse(arguments)
    try:
        check_destination(options.out, options.source)
        spec = spec_of(options.preprocessing)
        source = open_source(options.source, options.revision)
        with alone_in(options.out):
            dataset = prepare(source, options, spec)
        print(f"{options.out}: {len(dataset.examples):,} images; {options.out / 'card.md'} describes them")
    except (UsageError, DatasetError, FetchError, CheckpointError) as error:
        print(f"prepare_data: {error}", file=sys.stderr)
        return exit_status(error)
    except OSError as error:
        print(f"prepare_data: {error.filename or options.out}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("prepare_data: interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; leaves with status 2 and a usage line when it is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", metavar="SOURCE", help="hub id, folder, saved data set, .zip or .parquet file")
    parser.add_argument("--out", type=Path, required=True, help="folder to write; one of an earlier run is brought up")
    parser.add_argument("--revision", help="branch, tag or commit of a data set on the hub (default: main)")
    parser.add_argument("--seed", type=seed_of, default=PUBLISHED_SEED, help="of the split (default: %(default)s)")
    parser.add_argument(
        "--naive-split",
        action="store_true",
        help="split at random, near-duplicates or not, as the published figures were made; the card counts what leaks",
    )
    parser.add_argument("--allow-missing-class", action="store_true", help="go on without images of all five classes")
    parser.add_argument(
        "--preprocessing",
        type=Path,
        metavar="MODEL",
        help="checkpoint directory whose preprocessing the card records (default: that of ViT-B/16, 224 px)",
    )
    return parser.parse_args(arguments)


def seed_of(text: str) -> int:
    """Return a seed that numpy's generators take; raises ArgumentTypeError for any other text."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 0 to {2**32 - 1:,}")
    return int(text)


def prepare(source: Source, options: argparse.Namespace, spec: PreprocessingSpec) -> PreparedDataset:
    """Bring OUT up to the source; index.csv comes last, so whoever finds it finds all the rest."""
    store = ImageStore(options.out)
    method: SplitMethod = "naive" if options.naive_split else "grouped"
    with VerifiedCache(options.out) as cache:
        intake = take_in(source, store, cache)
    require_classes(intake, allow_missing=options.allow_missing_class)

    from dataset import card_plot, card_text, listing  # noqa: PLC0415 (two seconds of matplotlib and scipy)
    from dataset.assembly import assemble  # noqa: PLC0415 (the same)
    from dataset.card import make_card  # noqa: PLC0415 (the same)

    assembly = assemble(intake, method, options.seed)
    dataset = PreparedDataset(options.out, assembly.examples)
    card = make_card(
        source.origin, intake, assembly, spec, fingerprint=dataset.fingerprint, method=method, seed=options.seed
    )
    files: dict[str, str | bytes] = {
        "quarantine.csv": listing.quarantine_csv(intake),
        "duplicates.csv": listing.duplicates_csv(intake),
        "conflicts.csv": listing.conflicts_csv(assembly),
        "names.csv": listing.names_csv(assembly),
        "card.json": json.dumps(card, indent=2) + "\n",
        "card.md": card_text.markdown(card),
        "card.png": card_plot.png(card, assembly.examples),
        INDEX_FILE: index_csv(assembly.examples),
    }
    for name, content in files.items():
        write(options.out / name, content.encode() if isinstance(content, str) else content)
    store.remove_others({example.file for example in assembly.examples})
    for warning in card["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    return dataset


def open_source(text: str, revision: str | None) -> Source:
    """Return the source that SOURCE names; raises UsageError when it names none."""
    path = Path(text).expanduser()
    if path.exists() and revision is not None:
        raise UsageError(f"--revision is for data sets on the hub, and {text} is not one")
    if path.is_file() and path.suffix.lower() == ".zip":
        return ZipArchives([path])
    if path.is_file() and path.suffix.lower() == ".parquet":
        from dataset.table import ParquetFiles  # noqa: PLC0415 (a second, which the other sources can do without)

        return ParquetFiles([path])
    if path.is_file():
        raise UsageError(f"{text} is neither a .zip nor a .parquet file")
    if path.is_dir() and any((path / name).is_file() for name in SAVED_DATASET_FILES):
        from dataset.table import SavedDataset  # noqa: PLC0415 (the same)

        return SavedDataset(path)
    if path.is_dir():
        return ImageFolder(path)
    try:
        validate_repo_id(text)
    except HFValidationError:
        raise UsageError(f"{text} is neither a file or folder here nor the id of a data set on the hub") from None
    return hub_dataset.fetch(text, revision or DEFAULT_REVISION)


def check_destination(out: Path, source: str) -> None:
    """Raise UsageError rather than write into a folder of somebody else's, or into the source itself."""
    here, there = out.resolve(), Path(source).expanduser().resolve()
    if there.is_dir() and (here == there or there in here.parents or here in there.parents):
        raise UsageError(f"--out {out} and {source} lie within each other; choose another --out")
    if out.is_dir() and any(out.iterdir()) and not ((out / INDEX_FILE).is_file() or (out / CACHE_FILE).is_file()):
        raise UsageError(f"{out} is there and is no data set of this script's; choose another --out")


def require_classes(intake: Intake, *, allow_missing: bool) -> None:
    """Raise DatasetError when there is no image at all, or none of a class unless that is allowed."""
    found = {one.label for one in intake.kept}
    missing = [label for label in LABELS if label not in found]
    if not found:
        raise DatasetError(f"none of {len(intake.quarantined):,} images can be decoded")
    if missing and not allow_missing:
        raise DatasetError(
            f"there is no image of class {', '.join(missing)}, and a model needs all five; "
            "add some, or pass --allow-missing-class"
        )


def spec_of(checkpoint: Path | None) -> PreprocessingSpec:
    """Return a checkpoint's preprocessing, or that of the model this project is made for."""
    return PreprocessingSpec.parse(VIT_PROCESSOR) if checkpoint is None else PreprocessingSpec.load(checkpoint)


def write(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(content)
    partial.replace(file)


def exit_status(error: Exception) -> int:
    """Return the exit status that tells a calling script what kind of failure this is."""
    match error:
        case UsageError():
            return WRONG_USAGE
        case HubUnreachable():
            return HUB_UNREACHABLE
        case AccessRefused():
            return ACCESS_REFUSED
        case _:
            return FAILED


if __name__ == "__main__":
    sys.exit(main())
