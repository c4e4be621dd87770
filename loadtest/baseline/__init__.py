"""A TorchServe handler as the documentation teaches to write one: what this project is compared with."""

import measuring  # noqa: F401 - puts the maintainers' scripts on the path
