"""Errors that change only numbers: repeated noise, wrong steps, means of batch means."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor, distributions

from autoencoders.randomness import Noise
from autoencoders.variants.inputs import Noisy
from autoencoders.variants.models.base import Autoencoder, VariationalAutoencoder
from autoencoders.variants.objectives.adversarial import Adversarial
from autoencoders.variants.objectives.base import Networks, Objective, Step, Terms
from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.objectives.variational import Variational
from tests.training.helpers import (
    ADAM,
    SHAPE,
    THREE_ADAMS,
    Blobs,
    RecordedInput,
    adversarial,
    identical,
    plain,
    run,
    settings,
    variant,
    variational,
    weights,
)


def inputs_of_grey_images() -> list[Tensor]:
    """Return the encoder inputs of each batch: 16 training and 4 validation images, with noise."""
    recorded = RecordedInput(Noisy(mean=0.0, std=0.05))
    grey = torch.full((16, *SHAPE), 128, dtype=torch.uint8)
    subject = variant(plain(), Reconstruction("bce"), recorded)
    run(subject, grey, grey[:4], settings(epochs=3))
    return recorded.inputs


def test_training_noise_is_new_for_each_image_step_and_epoch() -> None:
    in_training = torch.cat([batch for batch in inputs_of_grey_images() if len(batch) == 8])
    assert len(in_training) == 3 * 16
    # Each image has 64 pixels of independent noise, so no correlation is close to 1.
    correlations = np.corrcoef(in_training.flatten(1).numpy()) - np.eye(48)
    assert abs(correlations).max() < 0.7


def test_validation_noise_is_the_same_in_each_epoch_and_new_for_each_image() -> None:
    in_validation = [batch for batch in inputs_of_grey_images() if len(batch) == 4]
    assert len(in_validation) == 3
    assert torch.equal(in_validation[0], in_validation[1])
    assert torch.equal(in_validation[0], in_validation[2])
    correlations = np.corrcoef(in_validation[0].flatten(1).numpy()) - np.eye(4)
    assert abs(correlations).max() < 0.7


class StepLog(Adversarial):
    """Record the names of the parameters that each step changes."""

    def __init__(self) -> None:
        super().__init__(latent_shape=(3,), discriminator_hidden=[16])
        self.moved: dict[str, set[str]] = {}

    def update(
        self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        def recorded_step(name: str, losses: Tensor) -> None:
            before = {key: now.detach().clone() for key, now in networks.named_parameters()}
            step(name, losses)
            self.moved[name] = {
                key for key, now in networks.named_parameters() if not torch.equal(now, before[key])
            }

        return super().update(networks, inputs, images, noise, recorded_step)


def test_each_step_changes_exactly_its_own_parameters(
    blobs: Blobs,
) -> None:
    objective = StepLog()
    subject = variant(plain(), objective)
    run(subject, blobs(8), blobs(8), settings(optimizers=THREE_ADAMS))
    names = [name for name, _ in subject.networks.named_parameters()]
    encoder, decoder, discriminator = (
        {name for name in names if name.startswith(part)}
        for part in ("model.encoder.", "model.decoder.", "objective.discriminator.")
    )
    assert len(encoder) == len(decoder) == len(discriminator) == 4
    assert objective.moved == {
        "autoencoder": encoder | decoder,
        "discriminator": discriminator,
        "generator": encoder,
    }


def test_discriminator_loss_falls_below_two_log_two(blobs: Blobs) -> None:
    fixed = ADAM | {"lr": 1e-9}  # only the discriminator learns
    optimizers = {"autoencoder": fixed, "discriminator": ADAM | {"lr": 1e-2}, "generator": fixed}
    training = settings(8, 32, optimizers=optimizers)
    history = run(variant(plain(), adversarial()), blobs(256), blobs(64), training)
    assert history[0]["train_discriminator"] == pytest.approx(2 * math.log(2), rel=0.1)
    assert history[-1]["train_discriminator"] < 0.5
    assert history[-1]["validation_discriminator"] < 0.5


def two_sample_accuracy(codes: np.ndarray, prior: np.ndarray) -> float:
    """Return the accuracy of a classifier between two samples: 0.5 for equal distributions."""
    samples = np.concatenate([codes, prior])
    origins = np.repeat([0, 1], [len(codes), len(prior)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores = cross_val_score(KNeighborsClassifier(15), samples, origins, cv=folds)
    return float(scores.mean())


@pytest.mark.slow
def test_adversarial_codes_approach_the_prior(blobs: Blobs) -> None:
    subject = variant(plain(latent_size=2, hidden=64), adversarial(latent_size=2, hidden=64))
    validation_images = blobs(1000, SHAPE, 1)
    prior = np.random.default_rng(0).standard_normal((1000, 2))

    def codes() -> np.ndarray:
        with torch.no_grad():
            return subject.model.encode(validation_images / 255).numpy()

    before = codes()
    rates = {name: ADAM | {"lr": 1e-3} for name in THREE_ADAMS}
    run(subject, blobs(2000), validation_images, settings(60, 100, optimizers=rates))
    after = codes()
    assert two_sample_accuracy(before, prior) > 0.95
    assert two_sample_accuracy(after, prior) < 0.75
    assert abs(after.mean(0)).max() < 0.4
    assert abs(after.var(0) - 1).max() < 0.4


PARTS: dict[str, tuple[Callable[[], Autoencoder], Callable[[], Objective]]] = {
    "noisy": (plain, lambda: Reconstruction("bce")),
    "variational": (variational, lambda: Variational("gaussian")),
    "adversarial": (plain, adversarial),
}


@pytest.mark.parametrize(("model", "objective"), PARTS.values(), ids=PARTS)
def test_training_does_not_use_or_change_global_generators(
    blobs: Blobs, model: Callable[[], Autoencoder], objective: Callable[[], Objective]
) -> None:
    def trained(global_seed: int, seed: int) -> list[Tensor]:
        subject = variant(model(), objective(), Noisy(0.5, 0.3))
        optimizers = dict.fromkeys(subject.objective.steps, ADAM)
        torch.manual_seed(global_seed)
        np.random.seed(global_seed)  # noqa: NPY002
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
        training = settings(epochs=2, optimizers=optimizers)
        run(subject, blobs(16), blobs(8), training, seed=seed)
        assert torch.equal(torch.get_rng_state(), torch_state)
        assert np.array_equal(np.random.get_state()[1], numpy_state)  # type: ignore[index]  # noqa: NPY002
        return weights(subject)

    assert identical(trained(global_seed=0, seed=1), trained(global_seed=5, seed=1))
    assert not identical(trained(global_seed=0, seed=1), trained(global_seed=0, seed=2))


def test_validation_loss_is_a_mean_over_images(blobs: Blobs) -> None:
    # The images fill more than one batch; those of the second, small batch are white.
    images = torch.cat([blobs(1000), torch.full((37, *SHAPE), 255, dtype=torch.uint8)])
    subject = variant(plain(), Reconstruction("bce"))
    (row,) = run(subject, blobs(512), images, settings())
    x = images.numpy().reshape(1037, 64) / 255
    with torch.no_grad():
        y = subject.model(images / 255).numpy().reshape(1037, 64).astype(np.float64)
    per_image = -(x * np.log(y) + (1 - x) * np.log(1 - y)).mean(1)
    assert row["validation_loss"] == pytest.approx(per_image.mean(), rel=1e-5)
    assert row["validation_mse"] == pytest.approx(((x - y) ** 2).mean(1).mean(), rel=1e-5)
    of_batches = (per_image[:1000].mean() + per_image[1000:].mean()) / 2
    assert abs(of_batches - row["validation_loss"]) > 0.01


def test_validation_kl_matches_torch_distributions(blobs: Blobs) -> None:
    subject, images = variant(variational(), Variational("gaussian")), blobs(1037)
    (row,) = run(subject, blobs(8), images, settings())
    assert isinstance(subject.model, VariationalAutoencoder)
    with torch.no_grad():
        mean, log_variance = subject.model.posterior(images / 255)
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    kl = distributions.kl_divergence(posterior, distributions.Normal(0.0, 1.0)).sum(1)
    assert row["validation_kl"] == pytest.approx(kl.mean().item(), rel=1e-4)


def test_train_terms_are_means_over_images(blobs: Blobs) -> None:
    fixed = {"model": ADAM | {"lr": 1e-12}}
    images = blobs(24)
    subject = variant(plain(), Reconstruction("mse"))
    (row,) = run(subject, images, images, settings(optimizers=fixed))
    assert row["train_loss"] == pytest.approx(row["validation_loss"], rel=1e-5)
