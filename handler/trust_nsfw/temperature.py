"""calibration.json of a checkpoint: the temperature that its logits are divided by before the softmax.

Temperature scaling (Guo et al., On Calibration of Modern Neural Networks, ICML 2017): one number for all classes,
fitted on held-out data. It changes how sure the probabilities are, never which is the highest.
"""

from pathlib import Path

from trust_nsfw.checkpoint import read_json
from trust_nsfw.errors import CheckpointError

CALIBRATION_FILE = "calibration.json"
LEAST, MOST = 0.05, 20.0
"""Beyond these probabilities would be all but certain, or all but equal: no fit on real data ends there."""


def require_calibrated_for(checkpoint: Path, sha256: str) -> None:
    """Raise CheckpointError for a calibration.json that was fitted to other weights than those of this sha256.

    One that names no weights may belong to any. Engines do not ask: the weights are hashed when an archive is built.
    """
    file = checkpoint / CALIBRATION_FILE
    recorded = read_json(file).get("weights_sha256") if file.exists() else None
    if recorded not in (None, sha256):
        raise CheckpointError(
            f"{CALIBRATION_FILE} was fitted to weights of sha256 {recorded}, not to these, {sha256}: "
            "run scripts/calibrate.py again, or with --remove"
        )


def read_temperature(checkpoint: Path) -> float:
    """Return the temperature of a checkpoint directory, 1.0 where it has no calibration.json.

    Raises CheckpointError for a file that names no temperature between LEAST and MOST.
    """
    file = checkpoint / CALIBRATION_FILE
    if not file.exists():
        return 1.0
    value = read_json(file).get("temperature")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not LEAST <= value <= MOST:  # a NaN neither
        raise CheckpointError(f"{CALIBRATION_FILE}: temperature {value!r} is not a number from {LEAST} to {MOST:g}")
    return float(value)
