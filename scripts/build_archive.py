#!/usr/bin/env python3
"""Build model_store/nsfw.mar from a checkpoint directory and the handler source root.

    python scripts/build_archive.py --model models/starter            build it
    python scripts/build_archive.py --model models/starter --check    exit 0 if it is up to date, 1 if not
    python scripts/build_archive.py --model models/trust --calibration-images A --gate-images B    int8, gated

The same inputs give the same files with the same sha256 (TorchServe's own MANIFEST.json holds the build's time).
"""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from archiving.inputs import HANDLER, MODEL_CONFIG, is_up_to_date
from lowering.arguments import add_arguments, plan_of
from trust_nsfw.errors import StartupError

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the command; returns the exit code."""
    options = parse_arguments()
    sources = {"explanations": options.explanations, "plan": plan_of(options)}
    if options.check:  # silent: who builds next hears the reason
        with suppress(StartupError):
            return 0 if is_up_to_date(options.out, options.model, options.model_config, **sources) else 1
        return 1
    try:
        from archiving.building import build  # noqa: PLC0415 - brings torch, which --check can do without

        reason = build(options.model, options.model_config, options.out, **sources)
    except StartupError as error:
        print(f"build_archive: {error}", file=sys.stderr)
        return 1
    print(f"built {options.out} from {options.model}: {reason}")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="checkpoint directory, as fetch_model.py writes it")
    parser.add_argument("--out", type=Path, default=ROOT / "model_store/nsfw.mar", help="archive to write")
    parser.add_argument("--model-config", type=Path, default=HANDLER / MODEL_CONFIG, help="settings to put into it")
    parser.add_argument(
        "--without-explanations", dest="explanations", action="store_false", help="leave out what only they need"
    )
    add_arguments(parser)
    parser.add_argument("--check", action="store_true", help="only tell whether the archive is up to date")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
