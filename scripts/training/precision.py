"""In which precision a machine trains."""

import torch

from training.settings import Precision, TrainingError


def settled(wanted: Precision) -> Precision:
    """Return the precision to train in; auto is bf16 on a GPU that has it, fp16 on another, fp32 on a CPU.

    Raises TrainingError for fp16 on a CPU, where it is neither fast nor stable.
    """
    cuda = torch.cuda.is_available()
    if wanted == "auto":
        return ("bf16" if torch.cuda.is_bf16_supported() else "fp16") if cuda else "fp32"
    if wanted == "fp16" and not cuda:
        raise TrainingError("fp16 needs a GPU; on a CPU take fp32 or bf16")
    return wanted
