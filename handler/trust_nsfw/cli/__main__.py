"""`python -m trust_nsfw.cli` is `trust-nsfw`."""

import sys

from trust_nsfw.cli.app import main

sys.exit(main())
