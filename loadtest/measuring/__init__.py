"""What the measurements are made of: pictures, load, servers, checks, figures, reports."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The maintainers' scripts build archives and start servers here too; the worker's code is on the path already.
if (SCRIPTS := str(ROOT / "scripts")) not in sys.path:
    sys.path.append(SCRIPTS)
