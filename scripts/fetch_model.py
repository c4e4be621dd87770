#!/usr/bin/env python3
"""Fetch a checkpoint into models/NAME: verified, and whole or not at all.

    python scripts/fetch_model.py trust
    python scripts/fetch_model.py owner/model --revision 1a2b3c4 --out models/mine

SOURCE is trust (the hub model this project is made for), starter (a small real model that needs no hub), random-vit
(ViT-B/16 with random weights, for benchmarks and tests), the id of a model on the hub, or the path of a checkpoint
directory. A broken download goes on where it stopped when the command runs again.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 hub unreachable, 4 access refused, 5 checkpoint refused.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from model_sources import hub, local
from model_sources.errors import FetchError
from model_sources.hub_errors import AccessRefused, HubUnreachable
from model_sources.publication import alone_in, publish, staging_for
from model_sources.record import SourceRecord
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import RECORD_FILE, PreprocessingSpec

MODELS = Path(__file__).resolve().parent.parent / "models"
STARTER_CHECKPOINT = "nsfwjs/mobilenet_v2@4.3.0"
COMMIT_HEX_DIGITS = 40

FAILED, WRONG_USAGE, HUB_UNREACHABLE, ACCESS_REFUSED, CHECKPOINT_REFUSED, INTERRUPTED = 1, 2, 3, 4, 5, 130


class UsageError(Exception):
    """The arguments name nothing that can be fetched, or a destination that must not be touched."""


@dataclass(frozen=True, slots=True)
class Source:
    """A checkpoint to fetch: its name under models/, the id its record will bear, and how to write it.

    `revision` is what was asked of a hub; None for a source without revisions.
    """

    name: str
    checkpoint: str
    fetch: Callable[[Path], None]
    revision: str | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit status, having said on stderr why it is not 0."""
    options = parse(arguments)
    try:
        source = resolve(options.source, options.revision)
        destination = (options.out or MODELS / source.name).resolve()
        with alone_in(destination.parent), staging_for(destination) as staging:
            if is_wanted(source, destination, force=options.force):
                source.fetch(staging)
                check(staging)
                publish(staging, destination)
        print(describe(destination))
    except (UsageError, FetchError, CheckpointError) as error:
        refusal = f"{options.source} is refused: " if isinstance(error, CheckpointError) else ""
        print(f"fetch_model: {refusal}{error}", file=sys.stderr)
        return exit_status(error)
    except OSError as error:
        print(f"fetch_model: {error.filename or options.source}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("fetch_model: interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; leaves with status 2 and a usage line when it is wrong."""
    summary, _, details = str(__doc__).partition("\n")
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=summary, epilog=details, formatter_class=raw)
    parser.add_argument("source", metavar="SOURCE", help="trust, starter, random-vit, a hub id, or a directory")
    parser.add_argument("--out", type=Path, help="destination directory (default: models/NAME)")
    parser.add_argument("--revision", help=f"branch, tag or commit of a hub model (default: {hub.DEFAULT_REVISION})")
    parser.add_argument("--force", action="store_true", help="fetch again, and replace what is there")
    return parser.parse_args(arguments)


def resolve(text: str, revision: str | None) -> Source:
    """Return the source that SOURCE names; raises UsageError when it names none."""
    directory = Path(text).expanduser()
    match text:
        case "trust":
            return _on_hub(hub.TRUST_CHECKPOINT, revision, name="trust")
        case "starter":
            source = Source("starter", STARTER_CHECKPOINT, _fetch_starter)
        case "random-vit":
            source = Source("random-vit", "random-vit", _write_random_vit)
        case _ if directory.is_dir():
            source = _on_disk(directory.resolve())
        case _:
            return _on_hub(text, revision, name=directory.name)
    if revision is not None:
        raise UsageError(f"--revision is for models on a hub, and {text} is not one")
    return source


def is_wanted(source: Source, destination: Path, *, force: bool) -> bool:
    """Say whether to fetch: no if the destination holds just that checkpoint already, unless it is forced.

    Raises UsageError rather than touch a destination with another checkpoint unasked, or with something else at all.
    """
    if not destination.exists() or (destination.is_dir() and not any(destination.iterdir())):
        return True
    if not (destination / "config.json").is_file():
        raise UsageError(f"{destination} is there and is no checkpoint; choose another --out")
    if force:
        return True
    found = SourceRecord.read(destination)
    is_commit = source.revision is not None and len(source.revision) == COMMIT_HEX_DIGITS
    if found.checkpoint != source.checkpoint or (is_commit and found.revision != source.revision):
        raise UsageError(
            f"{destination} holds {found.checkpoint} at revision {found.revision}; choose another --out, "
            "or --force to replace it"
        )
    return False


def check(staging: Path) -> None:
    """Leave one safetensors file, and raise CheckpointError unless the service can serve this checkpoint exactly.

    One that does not say what preprocessing it was trained with gets what this code makes of its configuration put on
    record, so that a later change of either is noticed.
    """
    from model_sources import conversion, verification  # noqa: PLC0415 (PyTorch; an unreachable hub is said sooner)

    try:
        conversion.to_one_safetensors(staging)
        verification.verify(staging)
    except CheckpointError as error:  # names files of a directory that is about to vanish
        raise CheckpointError(str(error).replace(f"{staging}/", "")) from None
    if not (record := staging / RECORD_FILE).exists():
        record.write_text(json.dumps(PreprocessingSpec.load(staging).record, indent=2) + "\n", encoding="utf-8")


def describe(destination: Path) -> str:
    """Return one line that says what lies at the destination."""
    record = SourceRecord.read(destination)
    revision = f" at {record.revision}" if record.revision else ""
    kind = "random weights, for benchmarks and tests only" if record.weights == "random" else "trained weights"
    return f"{destination} holds {record.checkpoint}{revision}: {kind}, license {record.license or 'not stated'}"


def exit_status(error: Exception) -> int:
    """Return the exit status that tells a calling script what kind of failure this is."""
    match error:
        case UsageError():
            return WRONG_USAGE
        case HubUnreachable():
            return HUB_UNREACHABLE
        case AccessRefused():
            return ACCESS_REFUSED
        case CheckpointError():
            return CHECKPOINT_REFUSED
        case _:
            return FAILED


def _on_hub(repo_id: str, revision: str | None, name: str) -> Source:
    try:
        validate_repo_id(repo_id)
    except HFValidationError:
        raise UsageError(f"{repo_id} is neither a directory here nor the id of a model on a hub") from None
    wanted = revision or hub.DEFAULT_REVISION
    return Source(name, repo_id, lambda staging: hub.fetch(staging, repo_id, wanted), revision=wanted)


def _on_disk(directory: Path) -> Source:
    checkpoint = SourceRecord.read(directory).checkpoint
    return Source(directory.name, checkpoint, lambda staging: local.fetch(staging, directory))


def _fetch_starter(staging: Path) -> None:
    from model_sources import starter  # noqa: PLC0415 (PyTorch, again)

    starter.fetch(staging)


def _write_random_vit(staging: Path) -> None:
    from model_sources import random_vit  # noqa: PLC0415 (PyTorch, again)

    random_vit.write(staging)


if __name__ == "__main__":
    sys.exit(main())
