"""Slips that spoil numbers and nothing else: noise used twice, the wrong step, means of means."""

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
    Recorded,
    adversarial,
    identical,
    plain,
    run,
    settings,
    variant,
    variational,
    weights,
)


def seen_of_grey_images() -> list[Tensor]:
    """Return what a training sees, batch by batch, of 16 grey images under noise, then of 4."""
    recorded = Recorded(Noisy(mean=0.0, std=0.05))
    grey = torch.full((16, *SHAPE), 128, dtype=torch.uint8)
    subject = variant(plain(), Reconstruction("bce"), recorded)
    run(subject, grey, grey[:4], settings(epochs=3))
    return recorded.seen


def test_slip_one_noise_tensor_reused_noise_is_fresh_per_image_step_and_epoch() -> None:
    in_training = torch.cat([seen for seen in seen_of_grey_images() if len(seen) == 8])
    assert len(in_training) == 3 * 16
    # 64 pixels of independent noise: no two of the 48 images have nearly the same.
    correlations = np.corrcoef(in_training.flatten(1).numpy()) - np.eye(48)
    assert abs(correlations).max() < 0.7


def test_slip_evaluation_noise_is_the_same_in_each_epoch_and_different_for_each_image() -> None:
    in_validation = [seen for seen in seen_of_grey_images() if len(seen) == 4]
    assert len(in_validation) == 3
    assert torch.equal(in_validation[0], in_validation[1])
    assert torch.equal(in_validation[0], in_validation[2])
    correlations = np.corrcoef(in_validation[0].flatten(1).numpy()) - np.eye(4)
    assert abs(correlations).max() < 0.7


class Spied(Adversarial):
    """Notes which parameters each step has changed."""

    def __init__(self) -> None:
        super().__init__(latent_shape=(3,), discriminator_hidden=[16])
        self.moved: dict[str, set[str]] = {}

    def update(
        self, networks: Networks, seen: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        def spied(name: str, losses: Tensor) -> None:
            before = {key: now.detach().clone() for key, now in networks.named_parameters()}
            step(name, losses)
            self.moved[name] = {
                key for key, now in networks.named_parameters() if not torch.equal(now, before[key])
            }

        return super().update(networks, seen, images, noise, spied)


def test_slip_the_wrong_optimiser_steps_each_update_moves_exactly_its_own_parameters(
    blobs: Blobs,
) -> None:
    objective = Spied()
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


def test_slip_the_discriminator_never_learns_its_loss_leaves_two_log_two(blobs: Blobs) -> None:
    still = ADAM | {"lr": 1e-9}  # the others wait, so that there is something to win
    optimizers = {"autoencoder": still, "discriminator": ADAM | {"lr": 1e-2}, "generator": still}
    training = settings(8, 32, optimizers=optimizers)
    history = run(variant(plain(), adversarial()), blobs(256), blobs(64), training)
    assert history[0]["train_discriminator"] == pytest.approx(2 * math.log(2), rel=0.1)
    assert history[-1]["train_discriminator"] < 0.5
    assert history[-1]["validation_discriminator"] < 0.5


def told_apart(codes: np.ndarray, prior: np.ndarray) -> float:
    """A classifier two-sample test: the share told apart right, 0.5 where nobody can."""
    samples = np.concatenate([codes, prior])
    origins = np.repeat([0, 1], [len(codes), len(prior)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores = cross_val_score(KNeighborsClassifier(15), samples, origins, cv=folds)
    return float(scores.mean())


@pytest.mark.slow
def test_slip_the_discriminator_never_learns_codes_approach_the_prior(blobs: Blobs) -> None:
    subject = variant(plain(latent_size=2, hidden=64), adversarial(latent_size=2, hidden=64))
    unseen = blobs(1000, SHAPE, 1)
    prior = np.random.default_rng(0).standard_normal((1000, 2))

    def codes() -> np.ndarray:
        with torch.no_grad():
            return subject.model.encode(unseen / 255).numpy()

    at_first = codes()
    rates = {name: ADAM | {"lr": 1e-3} for name in THREE_ADAMS}
    run(subject, blobs(2000), unseen, settings(60, 100, optimizers=rates))
    in_the_end = codes()
    assert told_apart(at_first, prior) > 0.95
    assert told_apart(in_the_end, prior) < 0.75
    assert abs(in_the_end.mean(0)).max() < 0.4
    assert abs(in_the_end.var(0) - 1).max() < 0.4


PARTS: dict[str, tuple[Callable[[], Autoencoder], Callable[[], Objective]]] = {
    "noisy": (plain, lambda: Reconstruction("bce")),
    "variational": (variational, lambda: Variational("gaussian")),
    "adversarial": (plain, adversarial),
}


@pytest.mark.parametrize(("model", "objective"), PARTS.values(), ids=PARTS)
def test_slip_global_generators_are_neither_used_nor_touched(
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


def test_slip_means_of_batch_means_validation_is_a_mean_over_images(blobs: Blobs) -> None:
    # More than go into one batch, and the few in the last one are white.
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


def test_validation_kl_is_the_mean_over_images_of_the_posterior_s(blobs: Blobs) -> None:
    subject, images = variant(variational(), Variational("gaussian")), blobs(1037)
    (row,) = run(subject, blobs(8), images, settings())
    assert isinstance(subject.model, VariationalAutoencoder)
    with torch.no_grad():
        mean, log_variance = subject.model.posterior(images / 255)
    posterior = distributions.Normal(mean, (log_variance / 2).exp())
    kl = distributions.kl_divergence(posterior, distributions.Normal(0.0, 1.0)).sum(1)
    assert row["validation_kl"] == pytest.approx(kl.mean().item(), rel=1e-4)


def test_train_terms_are_means_over_the_epoch_s_images(blobs: Blobs) -> None:
    still = {"model": ADAM | {"lr": 1e-12}}
    images = blobs(24)
    subject = variant(plain(), Reconstruction("mse"))
    (row,) = run(subject, images, images, settings(optimizers=still))
    assert row["train_loss"] == pytest.approx(row["validation_loss"], rel=1e-5)
