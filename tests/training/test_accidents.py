"""Losses that are not finite, or that explode: training stops and saves no invalid weights."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.randomness import Noise
from autoencoders.variants.objectives.adversarial import Adversarial
from autoencoders.variants.objectives.base import Networks, Step, Terms
from autoencoders.variants.objectives.reconstruction import Reconstruction
from tests.training.helpers import (
    ADAM,
    THREE_ADAMS,
    Blobs,
    FixedLosses,
    ProgressLog,
    plain,
    run,
    settings,
    variant,
    weights,
)


class NanLoss(Reconstruction):
    """Return NaN for one image of the n-th update."""

    def __init__(self, n: int) -> None:
        super().__init__("bce")
        self.n, self.updates = n, 0

    def update(
        self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        self.updates += 1
        terms = self.terms(networks, inputs, images, noise)
        if self.updates == self.n:
            terms["loss"] = terms["loss"] * torch.tensor([math.nan] + [1.0] * (len(images) - 1))
        step("model", terms["loss"])
        return terms


class ChangedLosses(Adversarial):
    """Replace the losses of each step by `change(step, update, losses)`; updates count from 1."""

    def __init__(self, change: Callable[[str, int, Tensor], Tensor]) -> None:
        super().__init__(latent_shape=(3,), discriminator_hidden=[8])
        self.change, self.updates = change, 0

    def update(
        self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        self.updates += 1

        def changed_step(name: str, losses: Tensor) -> None:
            step(name, self.change(name, self.updates, losses))

        return super().update(networks, inputs, images, noise, changed_step)


@pytest.mark.parametrize(("n", "epoch"), [(4, 2), (5, 2), (6, 2), (7, 3)])
def test_nan_loss_stops_training_and_reports_step_and_checkpoint(
    blobs: Blobs, tmp_path: Path, n: int, epoch: int
) -> None:
    objective, checkpoint = NanLoss(n), tmp_path / "unfinished.pt"
    log, subject = ProgressLog(), variant(plain(), objective)
    data = (blobs(24), blobs(8), settings(9))
    with pytest.raises(UserError) as caught:
        run(subject, *data, progress=log, checkpoint=checkpoint)
    message = str(caught.value)
    assert f"at step {n} (epoch {epoch})" in message
    assert f"checkpoint of epoch {epoch - 1} is kept at {checkpoint}" in message
    assert "\n" not in message
    assert objective.updates == n  # no further step
    assert all(bool(weight.isfinite().all()) for weight in weights(subject))
    # The checkpoint is valid, and training resumes from it.
    resumed = variant(plain(), Reconstruction("bce"))
    history = run(resumed, *data, progress=ProgressLog(), checkpoint=checkpoint)
    assert history[: epoch - 1] == log.rows
    assert len(history) == 9


def test_nan_loss_in_the_first_epoch_reports_no_checkpoint(blobs: Blobs, tmp_path: Path) -> None:
    checkpoint = tmp_path / "unfinished.pt"
    subject = variant(plain(), NanLoss(2))
    with pytest.raises(UserError, match=r"step 2 \(epoch 1\); there is no checkpoint"):
        run(subject, blobs(24), blobs(8), settings(), checkpoint=checkpoint)
    assert not checkpoint.exists()


@pytest.mark.parametrize("group", list(THREE_ADAMS))
@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_nan_loss_in_any_of_three_steps_reports_the_batch(blobs: Blobs, group: str, n: int) -> None:
    def nan_once(name: str, update: int, losses: Tensor) -> Tensor:
        return losses * math.nan if name == group and update == n else losses

    subject = variant(plain(), ChangedLosses(nan_once))
    with pytest.raises(UserError, match=rf"at step {n} \(epoch {(n + 2) // 3}\)"):
        run(subject, blobs(24), blobs(8), settings(4, optimizers=THREE_ADAMS))


@pytest.mark.parametrize("batches", [1, 5])
def test_exploding_weights_are_an_error_and_save_no_checkpoint(
    blobs: Blobs, tmp_path: Path, batches: int
) -> None:
    checkpoint = tmp_path / "unfinished.pt"
    explosive = settings(epochs=3, optimizers={"model": ADAM | {"lr": 1e30}})
    subject = variant(plain(), Reconstruction("bce"))
    with pytest.raises(
        UserError, match=r"loss is not finite, .* lower training\.optimizers\.\*\.lr"
    ):
        run(subject, blobs(8 * batches), blobs(8), explosive, checkpoint=checkpoint)
    assert not checkpoint.exists()


@pytest.mark.parametrize(("step", "epoch"), [(2, 1), (3, 1), (4, 2)])
def test_loss_above_the_limit_stops_training_and_reports_the_step(
    blobs: Blobs, tmp_path: Path, step: int, epoch: int
) -> None:
    checkpoint, log = tmp_path / "unfinished.pt", ProgressLog()
    subject = variant(plain(), FixedLosses([0.5] * (step - 1) + [501.0]))
    kept = f"the checkpoint of epoch 1 is kept at {checkpoint}" if epoch > 1 else "there is no"
    with pytest.raises(UserError, match=rf"at step {step} \(epoch {epoch}\); {kept}"):
        run(subject, blobs(24), blobs(8), settings(3), progress=log, checkpoint=checkpoint)
    assert log.steps == step - 1


def test_rising_loss_below_the_limit_does_not_stop_training(blobs: Blobs) -> None:
    subject = variant(plain(), FixedLosses([0.5, 5.0, 50.0, 499.0, 0.1, 499.0]))
    assert len(run(subject, blobs(24), blobs(8), settings(2))) == 2


@pytest.mark.parametrize("group", list(THREE_ADAMS))
def test_each_of_three_losses_has_its_own_limit(blobs: Blobs, group: str) -> None:
    def exploding(name: str, update: int, losses: Tensor) -> Tensor:
        first, growth = (1.0, 2000) if name == group else (1e6, 1)
        return 0 * losses + first * growth ** (update - 1)

    subject = variant(plain(), ChangedLosses(exploding))
    with pytest.raises(UserError, match=r"at step 2 \(epoch 1\)"):
        run(subject, blobs(24), blobs(8), settings(optimizers=THREE_ADAMS))


def test_resumed_training_keeps_the_limit_of_its_first_step(blobs: Blobs, tmp_path: Path) -> None:
    checkpoint = tmp_path / "unfinished.pt"

    def attempt(steps: list[float], log: ProgressLog) -> None:
        data = (blobs(24), blobs(8), settings(3))
        run(variant(plain(), FixedLosses(steps)), *data, progress=log, checkpoint=checkpoint)

    with pytest.raises(KeyboardInterrupt):
        attempt([1.0, 100.0, 100.0], ProgressLog(stop_at_epoch=1))
    with pytest.raises(UserError, match=r"at step 5 \(epoch 2\); the checkpoint of epoch 1"):
        attempt([900.0, 1001.0], ProgressLog())
    attempt([900.0, 1.0], ProgressLog())
