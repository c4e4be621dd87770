"""A whole measurement: stages of load by Locust, what the server did meanwhile, one record, and its report."""

import measuring  # noqa: F401 - puts the maintainers' scripts on the path
