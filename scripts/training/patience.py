"""When a training has gone on for too long without a better checkpoint, stops between included."""

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import EarlyStoppingCallback, TrainerControl, TrainerState, TrainingArguments

from training.selection import SELECTION


class Patience(EarlyStoppingCallback):
    """transformers' early stopping, which forgets at a stop how many evaluations it has waited for."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Count anew what the training so far has waited."""
        super().on_train_begin(args, state, control, **kwargs)  # type: ignore[no-untyped-call]
        self.early_stopping_patience_counter = evaluations_without_gain(state.log_history)


def evaluations_without_gain(history: Sequence[Mapping[str, Any]]) -> int:
    """Return how many evaluations there were since the best one, the first of equals."""
    found = [one[f"eval_{SELECTION}"] for one in history if f"eval_{SELECTION}" in one]
    return len(found) - 1 - found.index(max(found)) if found else 0
