"""Whether a directory is a checkpoint that this service can serve exactly: silence, or the reason why not."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoModelForImageClassification, PreTrainedModel
from transformers.utils import logging

from trust_nsfw.checkpoint import read_json, read_labels
from trust_nsfw.engines import nsfwjs_mobilenet
from trust_nsfw.errors import CheckpointError
from trust_nsfw.preprocess import PreprocessingSpec
from trust_nsfw.temperature import read_temperature

NAMES_SHOWN = 3


def verify(directory: Path) -> None:
    """Check labels, preprocessing, weights and one inference, without running any code of the checkpoint's own.

    Raises CheckpointError: other labels than the five, preprocessing we can't honour, a temperature that is none, a
    need for remote code, weights that are missing, left over or not finite, or a model that does not take the pictures
    its preprocessing makes.
    """
    labels = read_labels(directory)
    spec = PreprocessingSpec.load(directory)
    read_temperature(directory)
    model = _load(directory)
    if broken := [name for name, weight in model.state_dict().items() if not torch.isfinite(weight).all()]:
        raise CheckpointError(f"the weights hold values that are not finite: {_some(broken)}")
    picture = torch.zeros(1, 3, spec.height, spec.width)
    try:
        with torch.inference_mode():
            logits = model(pixel_values=picture).logits
    except (ValueError, RuntimeError, TypeError) as error:
        size = f"{spec.width}x{spec.height}"
        raise CheckpointError(f"the model does not take a {size} picture: {_first_line(error)}") from None
    if logits.shape != (1, len(labels)) or not torch.isfinite(logits).all():
        raise CheckpointError(f"the model answers {tuple(logits.shape)} logits; needed are (1, {len(labels)}), finite")


def _load(directory: Path) -> PreTrainedModel:
    """Load in float32 and accept no weight too few or too many: a missing head would silently be a random one."""
    nsfwjs_mobilenet.register()
    verbosity, shows_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # what is wrong becomes one sentence, not a table
    logging.disable_progress_bar()
    try:
        model, report = AutoModelForImageClassification.from_pretrained(
            directory,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, TypeError, KeyError, ImportError, SafetensorError) as error:
        if "auto_map" in read_json(directory / "config.json"):
            raise CheckpointError("the checkpoint needs its own code (auto_map), which is never run") from None
        raise CheckpointError(f"transformers cannot load the checkpoint: {_first_line(error)}") from None
    finally:
        logging.set_verbosity(verbosity)
        if shows_bars:
            logging.enable_progress_bar()
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if names := report[problem]:
            raise CheckpointError(f"the weights have {problem.replace('_', ' ')}: {_some(sorted(map(str, names)))}")
    classifier: PreTrainedModel = model.eval()
    return classifier


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
