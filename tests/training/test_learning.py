"""Results of a training: weights, history, learning rates, precisions."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.objectives.variational import Variational
from tests.training.helpers import (
    ADAM,
    LR,
    MUON,
    RMSPROP,
    SHAPE,
    THREE_ADAMS,
    Blobs,
    ProgressLog,
    adversarial,
    convolutional,
    identical,
    plain,
    run,
    settings,
    variant,
    variational,
    weights,
)


@pytest.mark.parametrize("optimizer", [ADAM, RMSPROP, MUON], ids=["adam", "rmsprop", "muon"])
def test_training_learns(blobs: Blobs, optimizer: dict[str, Any]) -> None:
    log = ProgressLog()
    history = run(
        variant(plain(), Reconstruction("mse")),
        blobs(256),
        blobs(64, SHAPE, 1),
        settings(epochs=20, batch_size=32, optimizers={"model": optimizer}),
        progress=log,
    )
    assert history[-1]["validation_loss"] < 0.35 * history[0]["validation_loss"]
    assert history[-1]["train_loss"] < 0.35 * history[0]["train_loss"]
    assert log.rows == history
    assert log.steps == 20 * 8


def test_history_has_one_row_with_all_columns_per_epoch(blobs: Blobs) -> None:
    subject = variant(variational(), Variational("gaussian"))
    history = run(subject, blobs(16), blobs(8), settings(epochs=2))
    terms = ["loss", "reconstruction", "kl", "mse"]
    for number, row in enumerate(history, start=1):
        assert list(row) == [
            "epoch",
            *[f"train_{name}" for name in terms],
            *["learning_rate", "gradient_norm"],
            *[f"validation_{name}" for name in terms],
        ]
        assert row["epoch"] == number
        assert row["learning_rate"] == LR


def test_networks_of_the_objective_are_restored_to_the_best_epoch(blobs: Blobs) -> None:
    images = blobs(64)
    first, all_five = (variant(plain(), adversarial()) for _ in range(2))
    for epochs, subject in ((1, first), (5, all_five)):
        training = settings(epochs, optimizers=THREE_ADAMS)
        history = run(subject, images, 255 - images, training)
    assert min(row["validation_loss"] for row in history) == history[0]["validation_loss"]
    assert identical(weights(first), weights(all_five))


def test_learning_rate_follows_the_schedule_in_each_step(blobs: Blobs) -> None:
    cycle = {"kind": "one_cycle", "warmup": 0.5, "final": 0.0}
    training = settings(epochs=4, batch_size=4, schedule=cycle)
    history = run(variant(plain(), Reconstruction("mse")), blobs(16), blobs(4), training)
    # 16 steps; the 8th has the full rate; each row has the rate of its last step.
    assert [row["learning_rate"] / LR for row in history] == pytest.approx(
        [3 / 8, 7 / 8, 5 / 8, 1 / 8]
    )


def test_schedule_scales_the_rate_of_each_optimiser(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []
    step = torch.optim.Adam.step

    def recorded(optimizer: torch.optim.Adam, closure: None = None) -> Any:
        rates.append(optimizer.param_groups[0]["lr"])
        return step(optimizer, closure)

    monkeypatch.setattr(torch.optim.Adam, "step", recorded)
    optimizers = {
        **{"autoencoder": ADAM, "discriminator": ADAM | {"lr": 4e-3}},
        "generator": ADAM | {"lr": 8e-3},
    }
    cycle = {"kind": "one_cycle", "warmup": 0.0, "final": 0.0}
    training = settings(epochs=2, optimizers=optimizers, schedule=cycle)
    run(variant(plain(), adversarial()), blobs(8), blobs(8), training)
    assert rates == pytest.approx([2e-3, 4e-3, 8e-3, 1e-3, 2e-3, 4e-3])


def test_gradient_norm_matches_autograd(blobs: Blobs) -> None:
    images, subject = blobs(8), variant(plain(), Reconstruction("mse"))
    loss = nn.functional.mse_loss(subject.model(images / 255), images / 255)
    gradients = torch.autograd.grad(loss, list(subject.model.parameters()))
    expected = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
    (row,) = run(subject, images, images, settings())
    assert row["gradient_norm"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "auto"])
def test_every_precision_trains_and_returns_float32_weights(blobs: Blobs, precision: str) -> None:
    subject = variant(convolutional(), Reconstruction("bce"))
    training = settings(epochs=5, precision=precision)
    history = run(subject, blobs(64), blobs(16), training)
    assert history[-1]["validation_loss"] < history[0]["validation_loss"]
    assert {weight.dtype for weight in weights(subject)} == {torch.float32}


@pytest.mark.parametrize(
    ("moved", "term"), [("autoencoder", "discriminator"), ("discriminator", "generator")]
)
def test_bfloat16_steps_use_the_weights_of_earlier_steps(
    blobs: Blobs, moved: str, term: str
) -> None:
    negligible = ADAM | {"lr": 1e-9}

    def after_one_update(precision: str, lr: float) -> float:
        optimizers = dict.fromkeys(THREE_ADAMS, negligible) | {moved: ADAM | {"lr": lr}}
        training = settings(optimizers=optimizers, precision=precision)
        (row,) = run(variant(plain(), adversarial()), blobs(8), blobs(8), training)
        return row[f"train_{term}"]

    changed, unchanged = (after_one_update("float32", lr) for lr in (0.3, 1e-9))
    assert abs(changed - unchanged) > 0.1 * unchanged
    assert after_one_update("bfloat16", 0.3) == pytest.approx(changed, rel=0.02)
