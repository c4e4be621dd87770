"""OpenVINO and NNCF, kept from reporting to their makers what is converted and quantized here."""

import logging
import os

import openvino as ov
from openvino.tools.ovc import telemetry_stub, telemetry_utils

telemetry_utils.tm = telemetry_stub
os.environ["NNCF_CI"] = "1"  # read when nncf is imported; nothing else hangs on it

import nncf  # noqa: E402

nncf.set_log_level(logging.ERROR)

__all__ = ["nncf", "ov"]
