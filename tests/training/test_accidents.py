"""Losses that are not finite, or that explode: told at once, and nothing bad is kept."""

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
    Heard,
    Told,
    plain,
    run,
    settings,
    variant,
    weights,
)


class Poisoned(Reconstruction):
    """Gives NaN for one image of the n-th update."""

    def __init__(self, n: int) -> None:
        super().__init__("bce")
        self.n, self.updates = n, 0

    def update(
        self, networks: Networks, seen: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        self.updates += 1
        terms = self.terms(networks, seen, images, noise)
        if self.updates == self.n:
            terms["loss"] = terms["loss"] * torch.tensor([math.nan] + [1.0] * (len(images) - 1))
        step("model", terms["loss"])
        return terms


class Rigged(Adversarial):
    """Steps down what `rig(step, update, losses)` makes of its losses; updates count from 1."""

    def __init__(self, rig: Callable[[str, int, Tensor], Tensor]) -> None:
        super().__init__(latent_shape=(3,), discriminator_hidden=[8])
        self.rig, self.updates = rig, 0

    def update(
        self, networks: Networks, seen: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        self.updates += 1

        def rigged(name: str, losses: Tensor) -> None:
            step(name, self.rig(name, self.updates, losses))

        return super().update(networks, seen, images, noise, rigged)


@pytest.mark.parametrize(("n", "epoch"), [(4, 2), (5, 2), (6, 2), (7, 3)])
def test_a_nan_loss_stops_at_once_and_names_the_step_and_the_checkpoint(
    blobs: Blobs, tmp_path: Path, n: int, epoch: int
) -> None:
    objective, checkpoint = Poisoned(n), tmp_path / "unfinished.pt"
    heard, subject = Heard(), variant(plain(), objective)
    data = (blobs(24), blobs(8), settings(9))
    with pytest.raises(UserError) as caught:
        run(subject, *data, progress=heard, checkpoint=checkpoint)
    message = str(caught.value)
    assert f"at step {n} (epoch {epoch})" in message
    assert f"checkpoint of epoch {epoch - 1} is kept at {checkpoint}" in message
    assert "\n" not in message
    assert objective.updates == n  # no step more
    assert all(bool(weight.isfinite().all()) for weight in weights(subject))
    # What is kept is whole, and training goes on from it.
    healed = variant(plain(), Reconstruction("bce"))
    history = run(healed, *data, progress=Heard(), checkpoint=checkpoint)
    assert history[: epoch - 1] == heard.rows
    assert len(history) == 9


def test_a_nan_loss_in_the_first_epoch_says_that_nothing_is_kept(
    blobs: Blobs, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "unfinished.pt"
    subject = variant(plain(), Poisoned(2))
    with pytest.raises(UserError, match=r"step 2 \(epoch 1\); there is no checkpoint"):
        run(subject, blobs(24), blobs(8), settings(), checkpoint=checkpoint)
    assert not checkpoint.exists()


@pytest.mark.parametrize("group", list(THREE_ADAMS))
@pytest.mark.parametrize("n", [1, 2, 5, 6])
def test_a_nan_in_any_of_three_updates_names_the_right_step(
    blobs: Blobs, group: str, n: int
) -> None:
    def poisoned(name: str, update: int, losses: Tensor) -> Tensor:
        return losses * math.nan if name == group and update == n else losses

    subject = variant(plain(), Rigged(poisoned))
    with pytest.raises(UserError, match=rf"at step {n} \(epoch {(n + 2) // 3}\)"):
        run(subject, blobs(24), blobs(8), settings(4, optimizers=THREE_ADAMS))


@pytest.mark.parametrize("batches", [1, 5])
def test_a_learning_rate_that_explodes_is_told_and_nothing_exploded_is_kept(
    blobs: Blobs, tmp_path: Path, batches: int
) -> None:
    checkpoint = tmp_path / "unfinished.pt"
    explosive = settings(epochs=3, optimizers={"model": ADAM | {"lr": 1e30}})
    subject = variant(plain(), Reconstruction("bce"))
    with pytest.raises(UserError, match=r"loss is not finite, .* lower the learning rate"):
        run(subject, blobs(8 * batches), blobs(8), explosive, checkpoint=checkpoint)
    assert not checkpoint.exists()


@pytest.mark.parametrize(("step", "epoch"), [(2, 1), (3, 1), (4, 2)])
def test_a_loss_a_thousand_times_the_first_stops_at_once_and_names_the_step(
    blobs: Blobs, tmp_path: Path, step: int, epoch: int
) -> None:
    checkpoint, heard = tmp_path / "unfinished.pt", Heard()
    subject = variant(plain(), Told([0.5] * (step - 1) + [501.0]))
    kept = f"the checkpoint of epoch 1 is kept at {checkpoint}" if epoch > 1 else "there is no"
    with pytest.raises(UserError, match=rf"at step {step} \(epoch {epoch}\); {kept}"):
        run(subject, blobs(24), blobs(8), settings(3), progress=heard, checkpoint=checkpoint)
    assert heard.steps == step - 1


def test_a_loss_that_merely_rises_does_not_stop(blobs: Blobs) -> None:
    subject = variant(plain(), Told([0.5, 5.0, 50.0, 499.0, 0.1, 499.0]))
    assert len(run(subject, blobs(24), blobs(8), settings(2))) == 2


@pytest.mark.parametrize("group", list(THREE_ADAMS))
def test_each_of_three_losses_is_held_against_its_own_first_one(blobs: Blobs, group: str) -> None:
    def told(name: str, update: int, losses: Tensor) -> Tensor:
        first, growth = (1.0, 2000) if name == group else (1e6, 1)
        return 0 * losses + first * growth ** (update - 1)

    subject = variant(plain(), Rigged(told))
    with pytest.raises(UserError, match=r"at step 2 \(epoch 1\)"):
        run(subject, blobs(24), blobs(8), settings(optimizers=THREE_ADAMS))


def test_after_a_resumption_the_limit_is_still_that_of_the_training_s_first_step(
    blobs: Blobs, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "unfinished.pt"

    def attempt(steps: list[float], heard: Heard) -> None:
        data = (blobs(24), blobs(8), settings(3))
        run(variant(plain(), Told(steps)), *data, progress=heard, checkpoint=checkpoint)

    with pytest.raises(KeyboardInterrupt):
        attempt([1.0, 100.0, 100.0], Heard(stop_at_epoch=1))
    with pytest.raises(UserError, match=r"at step 5 \(epoch 2\); the checkpoint of epoch 1"):
        attempt([900.0, 1001.0], Heard())
    attempt([900.0, 1.0], Heard())
