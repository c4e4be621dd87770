"""What turns the traffic into Locust users: options, transports, arrival times, raw samples, the generator's health."""

import measuring  # noqa: F401 - puts the maintainers' scripts on the path
