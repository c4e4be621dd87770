"""Settings that make no sense are refused by name."""

from dataclasses import asdict, fields

import pytest

from training.settings import CHOICES, PUBLISHED, TrainingError, TrainingSettings


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", 0, "epochs is 0; it must be more than 0"),
        ("learning_rate", -1e-5, "learning_rate is -1e-05; it must be more than 0"),
        ("learning_rate", float("nan"), "learning_rate is nan"),
        ("batch", 0, "batch is 0"),
        ("accumulate", 0, "accumulate is 0"),
        ("evaluations_per_epoch", 0, "evaluations_per_epoch is 0"),
        ("label_smoothing", 1, "label_smoothing is 1; it must be at least 0 and below 1"),
        ("warmup_share", -0.1, "warmup_share is -0.1"),
        ("max_fpr", 1.5, "max_fpr is 1.5"),
        ("weight_decay", -1, "weight_decay is -1; it must not be negative"),
        ("focal_gamma", -1, "focal_gamma is -1"),
        ("patience", -1, "patience is -1"),
        ("loss", "hinge", "loss is 'hinge'; it must be one of cross-entropy, focal"),
        ("precision", "int8", "precision is 'int8'; it must be one of auto, fp32, bf16, fp16"),
    ],
)
def test_nonsense_is_refused_by_name_and_value(name, value, message):
    with pytest.raises(TrainingError, match=message.replace("(", r"\(")):
        TrainingSettings(**{name: value})


def test_the_published_recipe_is_what_its_page_states():
    published = TrainingSettings(**PUBLISHED)
    assert (published.epochs, published.learning_rate, published.batch) == (5, 2e-5, 8)
    assert (published.weight_decay, published.seed) == (0.01, 42)
    assert (published.selection, published.class_weights, published.augmentation) == ("accuracy", "none", "none")


def test_differences_name_what_was_and_what_is():
    settings = TrainingSettings(batch=16)
    assert settings.differences(asdict(settings)) == []
    assert settings.differences(asdict(TrainingSettings())) == ["batch was 8 and is 16"]
    without = {name: value for name, value in asdict(settings).items() if name != "seed"}
    assert settings.differences(without) == ["seed was None and is 42"]


def test_every_default_has_the_type_that_the_command_line_parses():
    for field in fields(TrainingSettings):
        assert field.name in CHOICES or type(field.default).__name__ == getattr(field.type, "__name__", field.type)
