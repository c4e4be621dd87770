"""How a checkpoint is trained; the defaults are the published model's where it states them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Loss = Literal["cross-entropy", "focal"]
ClassWeights = Literal["balanced", "none"]
Augmentation = Literal["moderate", "none"]
Selection = Literal["recall-and-calibration", "accuracy"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]

BASE = "google/vit-base-patch16-224-in21k"


class TrainingError(RuntimeError):
    """What can't be trained, or gone on with; the message names the setting or the file."""


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Everything that the result depends on besides the data and the base checkpoint.

    `batch` is that of one device and one step; `accumulate` steps make one update. `patience` evaluations without a
    better checkpoint end the training; 0 never does. `max_fpr` is where the recall of explicit images is compared.
    """

    base: str = BASE
    epochs: float = 5.0
    learning_rate: float = 2e-5
    batch: int = 8
    accumulate: int = 1
    weight_decay: float = 0.01
    warmup_share: float = 0.1
    loss: Loss = "cross-entropy"
    focal_gamma: float = 2.0
    class_weights: ClassWeights = "balanced"
    label_smoothing: float = 0.05
    augmentation: Augmentation = "moderate"
    selection: Selection = "recall-and-calibration"
    max_fpr: float = 0.01
    patience: int = 3
    evaluations_per_epoch: int = 1
    precision: Precision = "auto"
    seed: int = 42

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
