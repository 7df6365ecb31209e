"""Moving averages of the weights, and early stopping."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from autoencoders.variants.assembly import Assembled
from autoencoders.variants.objectives.reconstruction import Reconstruction
from tests.training.helpers import (
    SHAPE,
    THREE_ADAMS,
    Blobs,
    FixedLosses,
    ProgressLog,
    adversarial,
    identical,
    plain,
    run,
    settings,
    variant,
    weights,
)


class WeightLog(ProgressLog):
    """Record the weights of a variant after each step."""

    def __init__(self, subject: Assembled) -> None:
        super().__init__()
        self.subject = subject
        self.trace: list[list[Tensor]] = []

    def step(self) -> None:
        super().step()
        self.trace.append(weights(self.subject))


def test_moving_average_is_validated_and_returned(blobs: Blobs) -> None:
    subject, validation_images = variant(plain(), adversarial()), blobs(16, SHAPE, 1)
    log = WeightLog(subject)
    training = settings(epochs=3, optimizers=THREE_ADAMS, ema_decay=0.5)
    history = run(subject, blobs(40), validation_images, training, progress=log)
    average, after_epochs = log.trace[0], []
    for step, now in enumerate(log.trace[1:], start=2):
        decay = min(0.5, step / (step + 9))  # the formula of TensorFlow for averaged steps
        average = [decay * a + (1 - decay) * w for a, w in zip(average, now, strict=True)]
        if step % 5 == 0:
            after_epochs.append(average)

    def validation_mse(state: list[Tensor]) -> float:
        evaluated, images = variant(plain(), adversarial()), validation_images / 255
        for parameter, value in zip(evaluated.networks.parameters(), state, strict=True):
            parameter.data.copy_(value)
        with torch.no_grad():
            return float((evaluated.model(images) - images).square().mean())

    found = [row["validation_mse"] for row in history]
    assert found == pytest.approx([validation_mse(state) for state in after_epochs], rel=1e-5)
    raw = [validation_mse(state) for state in log.trace[4::5]]
    assert all(abs(a - b) > 1e-3 * b for a, b in zip(found, raw, strict=True))
    best = min(range(3), key=lambda epoch: history[epoch]["validation_loss"])
    torch.testing.assert_close(weights(subject), after_epochs[best], rtol=1e-5, atol=1e-7)


def test_average_of_a_short_training_keeps_little_of_the_first_weights(blobs: Blobs) -> None:
    losses = []
    for decay in (0.0, 0.998):
        training = settings(epochs=6, ema_decay=decay)
        history = run(variant(plain(), Reconstruction("bce")), blobs(64), blobs(8), training)
        losses.append(history[-1]["validation_loss"])
    assert losses[1] < 1.03 * losses[0]


def test_averaging_does_not_change_the_training(blobs: Blobs) -> None:
    averaged, unaveraged = (WeightLog(variant(plain(), Reconstruction("bce"))) for _ in range(2))
    for log, decay in ((averaged, 0.9), (unaveraged, 0.0)):
        training = settings(epochs=2, ema_decay=decay)
        run(log.subject, blobs(16), blobs(8), training, progress=log)
    assert all(map(identical, averaged.trace, unaveraged.trace))


@pytest.mark.parametrize(("patience", "epochs"), [(1, 2), (2, 3), (None, 10)])
def test_early_stopping_restores_the_best_weights(
    blobs: Blobs, patience: int | None, epochs: int
) -> None:
    # Validation images are the negatives of training images, so epoch 1 has the lowest loss.
    images = blobs(64)
    first, stopped = (variant(plain(), Reconstruction("bce")) for _ in range(2))
    run(first, images, 255 - images, settings(1))
    history = run(stopped, images, 255 - images, settings(10, early_stopping_patience=patience))
    assert len(history) == epochs
    assert identical(weights(stopped), weights(first))


def test_patience_counts_epochs_since_the_lowest_loss(blobs: Blobs) -> None:
    # The 8 after the 9 is lower than the loss of the last epoch, but not the lowest.
    objective = FixedLosses(validations=[8.0, 9.0, 7.0, 9.0, 8.0, 1.0])
    training = settings(6, early_stopping_patience=2)
    history = run(variant(plain(), objective), blobs(8), blobs(8), training)
    assert [row["validation_loss"] for row in history] == [8.0, 9.0, 7.0, 9.0, 8.0]


def test_improving_training_is_not_stopped_early(blobs: Blobs) -> None:
    training = settings(10, early_stopping_patience=1)
    subject = variant(plain(), Reconstruction("mse"))
    history = run(subject, blobs(256), blobs(64, SHAPE, 1), training)
    assert len(history) == 10


def test_early_stopped_training_does_not_resume(blobs: Blobs, tmp_path: Path) -> None:
    images, again = blobs(64), ProgressLog()
    subjects = [variant(plain(), Reconstruction("bce")) for _ in range(2)]
    for subject, log in zip(subjects, (ProgressLog(), again), strict=True):
        history = run(
            *(subject, images, 255 - images),
            settings(10, early_stopping_patience=2),
            progress=log,
            checkpoint=tmp_path / "stopped.pt",
        )
        assert len(history) == 3
    assert again.rows == []
    assert identical(weights(subjects[0]), weights(subjects[1]))
