"""Lies in the baseline's archive, where it hides an installed OpenVINO.

TorchServe's BaseHandler imports OpenVINO's backend wherever there is one, and never uses it here. A stock installation
has none, so the baseline shall not carry its 60 MiB either.
"""

raise ImportError("the baseline runs as where OpenVINO is not installed")
