"""OpenVINO without its telemetry: merely imported, it would tell its makers so over the network, as nncf would.

Whoever needs either imports it after this module, or from it.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # "not installed": both then do without

import openvino as ov  # noqa: E402

__all__ = ["ov"]
