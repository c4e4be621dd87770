"""How a checkpoint is trained; the defaults are the published model's where it states them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Loss = Literal["cross-entropy", "focal"]
ClassWeights = Literal["balanced", "none"]
Augmentation = Literal["moderate", "none"]
Selection = Literal["recall-and-calibration", "accuracy"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

BASE = "google/vit-base-patch16-224-in21k"


class TrainingError(RuntimeError):
    """What can't be trained, or gone on with; the message names the setting or the file."""


def _says(text: str) -> dict[str, str]:
    """Return the metadata of a setting: what `train.py --help` says of it."""
    return {"help": text}


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Everything that the result depends on besides the data and the base checkpoint.

    `batch` is that of one device and one step; `accumulate` steps make one update. `patience` evaluations without a
    better checkpoint end the training; 0 never does. `max_fpr` is where the recall of explicit images is compared.
    """

    base: str = field(
        default=BASE, metadata=_says("checkpoint to start from: a directory, or the id of a model on the hub")
    )
    epochs: float = field(default=5.0, metadata=_says("passes over the training split"))
    learning_rate: float = field(default=2e-5, metadata=_says("AdamW's highest rate; it falls to 0 by the end"))
    batch: int = field(default=8, metadata=_says("images of one step on one device"))
    accumulate: int = field(
        default=1, metadata=_says("steps that make one update: the batch that counts is batch x accumulate x devices")
    )
    weight_decay: float = field(default=0.01, metadata=_says("AdamW's decay"))
    warmup_share: float = field(default=0.1, metadata=_says("share of the updates over which the rate rises from 0"))
    loss: Loss = field(default="cross-entropy", metadata=_says("focal weighs down what the model is sure of"))
    focal_gamma: float = field(default=2.0, metadata=_says("how strongly the focal loss does; only with --loss focal"))
    class_weights: ClassWeights = field(default="balanced", metadata=_says("balanced: each class weighs alike"))
    label_smoothing: float = field(
        default=0.05, metadata=_says("share of every target that is spread over all classes")
    )
    augmentation: Augmentation = field(
        default="moderate", metadata=_says("moderate: cut, mirror, tone and recompress pictures")
    )
    selection: Selection = field(
        default="recall-and-calibration", metadata=_says("what a checkpoint is chosen by, on validation")
    )
    max_fpr: float = field(default=0.01, metadata=_says("false-positive rate at which recall is compared"))
    patience: int = field(
        default=3, metadata=_says("evaluations without a better checkpoint that end the training; 0: never")
    )
    evaluations_per_epoch: int = field(default=1, metadata=_says("how often it is evaluated, and its state kept"))
    precision: Precision = field(default="auto", metadata=_says("auto: bf16 or fp16 on a GPU, fp32 on a CPU"))
    seed: int = field(default=42, metadata=_says("of the new head, the order of the images and their augmentation"))

    def __post_init__(self) -> None:
        """Raise TrainingError for a value that makes no sense, naming it."""
        positive = ("epochs", "learning_rate", "batch", "accumulate", "evaluations_per_epoch")
        shares = ("label_smoothing", "warmup_share", "max_fpr")
        for name in positive:
            if not getattr(self, name) > 0:
                raise TrainingError(f"{name} is {getattr(self, name)}; it must be more than 0")
        for name in shares:
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}; it must be at least 0 and below 1")
        for name in ("weight_decay", "focal_gamma", "patience", "seed"):
            if not getattr(self, name) >= 0:
                raise TrainingError(f"{name} is {getattr(self, name)}; it must not be negative")
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise TrainingError(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(known)}")

    def differences(self, recorded: Mapping[str, Any]) -> list[str]:
        """Return how these differ from settings that were recorded, a phrase for each."""
        return [
            f"{name} was {recorded.get(name)!r} and is {value!r}"
            for name, value in asdict(self).items()
            if recorded.get(name) != value
        ]


CHOICES: Mapping[str, tuple[str, ...]] = {
    "loss": get_args(Loss),
    "class_weights": get_args(ClassWeights),
    "augmentation": get_args(Augmentation),
    "selection": get_args(Selection),
    "precision": get_args(Precision),
}

PUBLISHED: Mapping[str, Any] = {
    "class_weights": "none",
    "label_smoothing": 0.0,
    "augmentation": "none",
    "selection": "accuracy",
    "patience": 0,
    "warmup_share": 0.0,
}
"""What `--recipe published` changes: the model page states epochs, rate, batch, decay and seed, and names no more."""
