"""What turns the traffic into Locust users: options, transports, arrival times, raw samples, the generator's health."""

import sys
from pathlib import Path

# Locust takes a locustfile's folder off the path again once it is loaded; forked and late imports need it to stay.
if (LOADTEST := str(Path(__file__).resolve().parent.parent)) not in sys.path[1:]:
    sys.path.append(LOADTEST)

import measuring  # noqa: F401 - puts the maintainers' scripts on the path
