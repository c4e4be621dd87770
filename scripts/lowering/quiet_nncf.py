"""NNCF, silent on the terminal but for its progress bars, and towards its makers."""

import importlib
import logging
from typing import Any

from trust_nsfw.engines import quiet_openvino

assert quiet_openvino.ov, "imported before nncf, whose telemetry it keeps out"
nncf: Any = importlib.import_module("nncf")
nncf.set_log_level(logging.ERROR)
