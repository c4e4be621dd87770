"""How long a training has waited is known after a stop, too."""

from transformers import TrainerControl, TrainerState, TrainingArguments

from training.patience import Patience, evaluations_without_gain


def history(*selections: float) -> list[dict[str, float]]:
    return [entry for one in selections for entry in ({"loss": 1.0}, {"eval_selection": one})]


def test_evaluations_since_the_first_best_one_are_counted():
    assert evaluations_without_gain([]) == 0
    assert evaluations_without_gain(history(0.1, 0.5)) == 0
    assert evaluations_without_gain(history(0.5, 0.5, 0.2)) == 2


def test_a_training_that_goes_on_has_waited_as_long_as_before_its_stop(tmp_path):
    arguments = TrainingArguments(
        str(tmp_path), metric_for_best_model="selection", load_best_model_at_end=True, eval_strategy="epoch",
        save_strategy="epoch", use_cpu=True, report_to=[],
    )  # fmt: skip
    state, control = TrainerState(log_history=history(0.5, 0.4), best_metric=0.5), TrainerControl()
    patience = Patience(2)
    patience.on_train_begin(arguments, state, control)
    patience.on_evaluate(arguments, state, control, metrics={"eval_selection": 0.3})
    assert control.should_training_stop
