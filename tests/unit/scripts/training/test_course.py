"""What a training says of an evaluation."""

from transformers import TrainerControl, TrainerState

from training.course import Course

METRICS = {
    "eval_loss": 0.25,
    "eval_accuracy": 0.96,
    "eval_recall_explicit": 0.925,
    "eval_ece": 0.041,
    "eval_selection": 0.884,
}


def test_an_evaluation_is_one_line_and_the_best_one_is_marked(capsys):
    course, control = Course(max_fpr=0.01), TrainerControl()
    state = TrainerState(epoch=1.0, num_train_epochs=3, max_steps=30, log_history=[{"eval_selection": 0.8}])
    course.on_train_begin(None, state, control)
    course.on_evaluate(None, state, control, metrics=METRICS)
    course.on_evaluate(None, state, control, metrics=METRICS)
    course.on_train_end(None, state, control)
    line = (
        "epoch 1.00 of 3: loss 0.2500, accuracy 96.0 %, recall of explicit 92.5 % at 1.0 % false positives, "
        "ECE 0.041, selection 0.8840"
    )
    assert capsys.readouterr().out.splitlines() == [f"{line}, the best so far", line]


def test_only_the_first_of_several_processes_speaks(capsys):
    course, control = Course(max_fpr=0.01), TrainerControl()
    state = TrainerState(epoch=1.0, max_steps=30, is_world_process_zero=False)
    course.on_train_begin(None, state, control)
    course.on_step_end(None, state, control)
    course.on_evaluate(None, state, control, metrics=METRICS)
    course.on_train_end(None, state, control)
    said = capsys.readouterr()
    assert said.out == said.err == ""
