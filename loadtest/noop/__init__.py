"""A server that does no inference and answers as the real one would: what a load generator is measured against."""

import measuring  # noqa: F401 - puts the maintainers' scripts on the path
