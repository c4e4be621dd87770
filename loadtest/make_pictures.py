#!/usr/bin/env python3
"""Write the mix of pictures that a load test sends into a folder, to look at it or to send it from several machines.

    python loadtest/make_pictures.py --out /tmp/pictures                        48 pictures
    python loadtest/make_pictures.py --out /tmp/pictures --sheet /tmp/sheet.png and all of them on one
    python loadtest/make_pictures.py --out /tmp/pictures --count 200 --seed 7 --bad-share 0.1

The folder holds the files and an index.json, which says of each what must come back; locust takes it as --pictures.
"""

import argparse
import json
import sys
from pathlib import Path

from traffic.contact_sheet import contact_sheet
from traffic.mix import MixSettings, mix_of_folder, write_mix

USAGE_ERROR = 2


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    defaults = MixSettings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a folder that does not exist yet")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="other pictures for another (%(default)s)")
    parser.add_argument("--count", type=int, default=defaults.count, help="pictures, bad ones too (%(default)s)")
    parser.add_argument("--bad-share", type=float, default=defaults.bad_share, help="of those (%(default)s)")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="a contact sheet to write as well")
    options = parser.parse_args(arguments)
    try:
        settings = MixSettings(options.seed, options.count, options.bad_share)
    except ValueError as error:
        print(f"make_pictures: {error}", file=sys.stderr)
        return USAGE_ERROR
    if options.out.exists():
        print(f"make_pictures: {options.out} is there already", file=sys.stderr)
        return USAGE_ERROR
    write_mix(settings, options.out)
    mix = mix_of_folder(options.out)
    if options.sheet:
        contact_sheet(mix).save(options.sheet)
    print(json.dumps(mix.summary(), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
