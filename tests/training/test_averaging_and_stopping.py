"""Averages of the weights, and trainings that end before their last epoch."""

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
    Heard,
    Told,
    adversarial,
    identical,
    plain,
    run,
    settings,
    variant,
    weights,
)


class Traced(Heard):
    """Keeps the weights of a variant after each step."""

    def __init__(self, subject: Assembled) -> None:
        super().__init__()
        self.subject = subject
        self.trace: list[list[Tensor]] = []

    def step(self) -> None:
        super().step()
        self.trace.append(weights(self.subject))


def test_what_is_validated_and_left_is_the_exponential_moving_average(blobs: Blobs) -> None:
    subject, unseen = variant(plain(), adversarial()), blobs(16, SHAPE, 1)
    traced = Traced(subject)
    training = settings(epochs=3, optimizers=THREE_ADAMS, ema_decay=0.5)
    history = run(subject, blobs(40), unseen, training, progress=traced)
    average, after_epochs = traced.trace[0], []
    for step, now in enumerate(traced.trace[1:], start=2):
        decay = min(0.5, step / (step + 9))  # TensorFlow's, for the steps already averaged
        average = [decay * a + (1 - decay) * w for a, w in zip(average, now, strict=True)]
        if step % 5 == 0:
            after_epochs.append(average)

    def validation_mse(state: list[Tensor]) -> float:
        judged = variant(plain(), adversarial())
        for parameter, value in zip(judged.networks.parameters(), state, strict=True):
            parameter.data.copy_(value)
        with torch.no_grad():
            return float((judged.model(unseen / 255) - unseen / 255).square().mean())

    found = [row["validation_mse"] for row in history]
    assert found == pytest.approx([validation_mse(state) for state in after_epochs], rel=1e-5)
    raw = [validation_mse(state) for state in traced.trace[4::5]]
    assert all(abs(a - b) > 1e-3 * b for a, b in zip(found, raw, strict=True))
    best = min(range(3), key=lambda epoch: history[epoch]["validation_loss"])
    torch.testing.assert_close(weights(subject), after_epochs[best], rtol=1e-5, atol=1e-7)


def test_the_average_of_a_short_training_keeps_little_of_the_first_weights(blobs: Blobs) -> None:
    last = []
    for decay in (0.0, 0.998):
        training = settings(epochs=6, ema_decay=decay)
        history = run(variant(plain(), Reconstruction("bce")), blobs(64), blobs(8), training)
        last.append(history[-1]["validation_loss"])
    assert last[1] < 1.03 * last[0]


def test_averaging_leaves_the_path_of_the_training_as_it_is(blobs: Blobs) -> None:
    averaged, plainly = (Traced(variant(plain(), Reconstruction("bce"))) for _ in range(2))
    for traced, decay in ((averaged, 0.9), (plainly, 0.0)):
        training = settings(epochs=2, ema_decay=decay)
        run(traced.subject, blobs(16), blobs(8), training, progress=traced)
    assert all(map(identical, averaged.trace, plainly.trace))


@pytest.mark.parametrize(("patience", "epochs"), [(1, 2), (2, 3), (None, 10)])
def test_training_stops_when_patience_runs_out_and_leaves_the_best_weights(
    blobs: Blobs, patience: int | None, epochs: int
) -> None:
    # What is learnt is the opposite of what is validated, so it only gets worse after epoch 1.
    images = blobs(64)
    first, stopped = (variant(plain(), Reconstruction("bce")) for _ in range(2))
    run(first, images, 255 - images, settings(1))
    history = run(stopped, images, 255 - images, settings(10, early_stopping_patience=patience))
    assert len(history) == epochs
    assert identical(weights(stopped), weights(first))


def test_patience_counts_the_epochs_in_a_row_that_did_not_lower_the_loss(blobs: Blobs) -> None:
    # The 8 after the 9 is an improvement on the last epoch, and none on the best one.
    objective = Told(validations=[8.0, 9.0, 7.0, 9.0, 8.0, 1.0])
    training = settings(6, early_stopping_patience=2)
    history = run(variant(plain(), objective), blobs(8), blobs(8), training)
    assert [row["validation_loss"] for row in history] == [8.0, 9.0, 7.0, 9.0, 8.0]


def test_a_training_that_improves_is_never_stopped_early(blobs: Blobs) -> None:
    training = settings(10, early_stopping_patience=1)
    subject = variant(plain(), Reconstruction("mse"))
    history = run(subject, blobs(256), blobs(64, SHAPE, 1), training)
    assert len(history) == 10


def test_a_training_that_was_stopped_early_does_not_go_on(blobs: Blobs, tmp_path: Path) -> None:
    images, again = blobs(64), Heard()
    subjects = [variant(plain(), Reconstruction("bce")) for _ in range(2)]
    for subject, heard in zip(subjects, (Heard(), again), strict=True):
        history = run(
            *(subject, images, 255 - images),
            settings(10, early_stopping_patience=2),
            progress=heard,
            checkpoint=tmp_path / "stopped.pt",
        )
        assert len(history) == 3
    assert again.rows == []
    assert identical(weights(subjects[0]), weights(subjects[1]))
