"""What a training says while it lasts: a line per evaluation, and a progress bar where somebody can see it."""

from collections.abc import Mapping
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from training.selection import SELECTION


class Course(TrainerCallback):
    """Takes the place of transformers' own progress display, which writes every logged step.

    The bar is on stderr, and only on a terminal; the lines are on stdout. TensorBoard has every step. Of several
    processes the first one speaks.
    """

    def __init__(self, max_fpr: float) -> None:
        """`max_fpr` is the false-positive rate that the recall holds for."""
        self._max_fpr = max_fpr
        self._bar: tqdm[Any] | None = None
        self._best = float("-inf")

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Show the bar; a resumed training goes on where it was."""
        if state.is_world_process_zero:
            earlier = [one[f"eval_{SELECTION}"] for one in state.log_history if f"eval_{SELECTION}" in one]
            self._best = max(earlier, default=self._best)
            self._bar = tqdm(total=state.max_steps, initial=state.global_step, unit=" steps", disable=None, leave=False)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(state.global_step - self._bar.n)

    def on_evaluate(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Say what the evaluation found, which is in `metrics`."""
        if self._bar is None:
            return
        metrics = kwargs["metrics"]
        is_best = metrics[f"eval_{SELECTION}"] > self._best
        self._best = max(self._best, metrics[f"eval_{SELECTION}"])
        line = line_of(state.epoch or 0.0, state.num_train_epochs, metrics, self._max_fpr)
        if is_best:
            line += ", the best so far"
        with tqdm.external_write_mode():
            print(line, flush=True)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


def line_of(epoch: float, epochs: float, metrics: Mapping[str, float], max_fpr: float) -> str:
    """Return an evaluation's figures in a line."""
    return (
        f"epoch {epoch:.2f} of {epochs:g}: loss {metrics['eval_loss']:.4f}, "
        f"accuracy {100 * metrics['eval_accuracy']:.1f} %, "
        f"recall of explicit {100 * metrics['eval_recall_explicit']:.1f} % at {100 * max_fpr:.1f} % false positives, "
        f"ECE {metrics['eval_ece']:.3f}, selection {metrics[f'eval_{SELECTION}']:.4f}"
    )
