"""Losses worked out by hand."""

import math

import pytest
import torch
from torch.nn import functional

from training.loss import balanced_weights, loss_function
from training.settings import TrainingError, TrainingSettings

LOGITS = torch.tensor([[2.0, 0.0, 0.0, 0.0, 0.0], [0.5, 1.5, -1.0, 0.0, 3.0]])
CLASSES = torch.tensor([0, 1])


def loss_of(weights: torch.Tensor | None = None, **settings) -> float:
    chosen = TrainingSettings(**({"label_smoothing": 0.0} | settings))
    return loss_function(chosen, weights)({"logits": LOGITS}, CLASSES).item()


def test_cross_entropy_is_the_mean_of_minus_log_p():
    first = math.log(math.exp(2) + 4) - 2
    second = math.log(sum(math.exp(value) for value in LOGITS[1].tolist())) - 1.5
    assert loss_of() == pytest.approx((first + second) / 2, rel=1e-6)


def test_focal_loss_with_gamma_0_is_cross_entropy():
    assert loss_of(loss="focal", focal_gamma=0.0) == pytest.approx(loss_of(), rel=1e-6)


def test_focal_loss_weighs_an_image_by_what_its_probability_lacks_squared():
    losses = functional.cross_entropy(LOGITS, CLASSES, reduction="none")
    lacking = (1 - torch.exp(-losses)) ** 2
    assert loss_of(loss="focal", focal_gamma=2.0) == pytest.approx((losses * lacking).mean().item(), rel=1e-6)


def test_smoothing_spreads_its_share_over_all_five_classes():
    log_p = LOGITS.log_softmax(dim=1)
    by_hand = -(0.9 * log_p[[0, 1], CLASSES] + 0.1 * log_p.mean(dim=1)).mean().item()
    assert loss_of(label_smoothing=0.1) == pytest.approx(by_hand, rel=1e-6)


def test_weights_multiply_each_image_by_its_class_and_the_mean_is_over_images():
    losses = functional.cross_entropy(LOGITS, CLASSES, reduction="none")
    weights = torch.tensor([2.0, 0.5, 1.0, 1.0, 1.0])
    by_hand = ((2.0 * losses[0] + 0.5 * losses[1]) / 2).item()
    assert loss_of(weights) == pytest.approx(by_hand, rel=1e-6)


def test_accumulated_steps_add_up_to_the_loss_of_all_at_once():
    loss = loss_function(TrainingSettings(), None)
    parts = sum(loss({"logits": LOGITS[k : k + 1]}, CLASSES[k : k + 1], num_items_in_batch=2).item() for k in range(2))
    assert parts == pytest.approx(loss({"logits": LOGITS}, CLASSES).item(), rel=1e-6)


def test_balanced_weights_by_hand():
    labels = ["drawing"] * 4 + ["hentai"] * 2 + ["neutral"] * 2 + ["porn"] + ["sexy"]
    assert balanced_weights(labels).tolist() == [0.5, 1.0, 1.0, 2.0, 2.0]


def test_a_class_without_images_is_named():
    with pytest.raises(TrainingError, match="no image of class hentai, sexy"):
        balanced_weights(["drawing", "neutral", "porn"])
