import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, distributions, nn

from autoencoders.classifier import ConvClassifier
from autoencoders.models import MODELS, Autoencoder, VariationalAutoencoder
from autoencoders.objectives import (
    OBJECTIVES,
    Adversarial,
    Objective,
    Perceptual,
    Reconstruction,
    Variational,
    cross_entropy,
    draw,
    kl_to_standard_normal,
    squared_error,
)
from autoencoders.randomness import Noise

Pictures = Callable[..., Tensor]

SHAPE = (1, 8, 8)
PIXELS = 64


def plain() -> Autoencoder:
    torch.manual_seed(0)
    return MODELS["mlp_ae"](input_shape=SHAPE, image_shape=SHAPE, hidden=[20], latent_size=3)


def variational() -> VariationalAutoencoder:
    torch.manual_seed(0)
    model = MODELS["mlp_vae"](input_shape=SHAPE, image_shape=SHAPE, hidden=[20], latent_size=3)
    assert isinstance(model, VariationalAutoencoder)
    return model


def adversarial() -> Adversarial:
    torch.manual_seed(1)
    return Adversarial(latent_shape=(3,), discriminator_hidden=[16, 16])


def perceive(images: Tensor) -> list[Tensor]:
    """Two feature maps of no trained network."""
    weight = torch.linspace(-1, 1, 18).view(2, 1, 3, 3)
    first = nn.functional.conv2d(images, weight).relu()
    return [first, nn.functional.max_pool2d(first, 2).square()]


def perceptual(pixel_loss: Any = "bce", pixel_weight: float = 0.5) -> Perceptual:
    return Perceptual(perceive, pixel_loss, pixel_weight)


def no_step(name: str, losses: Tensor) -> None:
    pass


PAIRS: list[tuple[Objective, Callable[[], Autoencoder]]] = [
    (Reconstruction("bce"), plain),
    (Reconstruction("mse"), plain),
    (perceptual(), plain),
    (Variational("gaussian"), variational),
    (Variational("bernoulli"), variational),
    (adversarial(), plain),
]


def test_every_registered_objective_is_tested_here() -> None:
    assert {type(objective) for objective, _ in PAIRS} == set(OBJECTIVES.values())


# --- every objective


@pytest.mark.parametrize(("objective", "model"), PAIRS)
def test_terms_are_one_finite_float32_per_image(
    objective: Objective,
    model: Callable[[], Autoencoder],
    pictures: Pictures,
    noise: Noise,
) -> None:
    images = pictures(5)
    terms = objective.terms(model(), images, images, noise)
    learnt_from = objective.update(model(), images, images, noise, no_step)
    assert list(terms) == list(learnt_from)
    assert {"loss", "mse"} <= set(terms)
    for values in [*terms.values(), *learnt_from.values()]:
        assert values.shape == (5,)
        assert values.dtype == torch.float32
        assert values.isfinite().all()


@pytest.mark.parametrize(("objective", "model"), PAIRS)
def test_the_target_is_the_clean_image_and_not_what_the_encoder_saw(
    objective: Objective,
    model: Callable[[], Autoencoder],
    pictures: Pictures,
    noise: Noise,
) -> None:
    network = model()
    noisy, clean = torch.rand(5, *SHAPE), pictures(5)
    logits: list[Tensor] = []
    decoder = network.get_submodule("decoder")
    decoder.register_forward_hook(lambda _, inputs, output: logits.append(output))
    mse = objective.terms(network, noisy, clean, noise)["mse"]
    expected = (logits[0].sigmoid().view_as(clean) - clean).square().mean((1, 2, 3))
    torch.testing.assert_close(mse, expected)


@pytest.mark.parametrize(("objective", "model"), PAIRS)
def test_an_update_takes_each_of_its_steps_once_and_groups_cover_every_parameter(
    objective: Objective,
    model: Callable[[], Autoencoder],
    pictures: Pictures,
    noise: Noise,
) -> None:
    network, images, steps = model(), pictures(5), list[str]()
    objective.update(network, images, images, noise, lambda name, _: steps.append(name))
    groups = objective.parameter_groups(network)
    assert steps == list(groups)
    covered = {parameter for group in groups.values() for parameter in group}
    assert covered == {*network.parameters(), *objective.parameters()}


@pytest.mark.parametrize("name", ["reconstruction", "perceptual", "adversarial"])
def test_a_variational_model_is_refused_where_its_variance_would_never_learn(name: str) -> None:
    objectives: list[Objective] = [Reconstruction("bce"), perceptual(), adversarial()]
    objective = next(o for o in objectives if type(o) is OBJECTIVES[name])
    with pytest.raises(ValueError, match=f"{name} objective never trains .* log-variance.*plain"):
        objective.check(variational())
    objective.check(plain())


def test_a_model_without_posterior_is_refused_by_the_variational_objective() -> None:
    with pytest.raises(ValueError, match="needs a variational model"):
        Variational("gaussian").check(plain())
    Variational("gaussian").check(variational())


# --- reconstruction


def test_binary_cross_entropy_is_the_one_of_probabilities() -> None:
    logits, images = 3 * torch.randn(4, 1, 3, 3), torch.rand(4, 1, 3, 3)
    x, p = images.double().numpy(), 1 / (1 + np.exp(-logits.double().numpy()))
    expected = -(x * np.log(p) + (1 - x) * np.log(1 - p))
    np.testing.assert_allclose(cross_entropy(logits, images), expected.reshape(4, 9), rtol=1e-5)


def test_binary_cross_entropy_stays_finite_and_exact_for_sure_and_wrong_logits() -> None:
    logits, images = torch.full((1, 1, 1, 2), 200.0), torch.tensor([[[[1.0, 0.0]]]])
    assert cross_entropy(logits, images).tolist() == [[0, 200]]


def test_squared_error_is_the_one_of_intensities() -> None:
    logits, images = torch.randn(4, 1, 3, 3), torch.rand(4, 1, 3, 3)
    p = 1 / (1 + np.exp(-logits.numpy()))
    expected = (p - images.numpy()) ** 2
    np.testing.assert_allclose(squared_error(logits, images), expected.reshape(4, 9), rtol=1e-4)


@pytest.mark.parametrize(
    ("loss", "reference"),
    [("bce", nn.functional.binary_cross_entropy), ("mse", nn.functional.mse_loss)],
)
def test_reconstruction_loss_is_a_mean_over_pixels(
    loss: Any,
    reference: Callable[[Tensor, Tensor], Tensor],
    pictures: Pictures,
    noise: Noise,
) -> None:
    model, images = plain(), pictures(5)
    terms = Reconstruction(loss).terms(model, images, images, noise)
    for i, image in enumerate(images):
        output = model(image[None])[0]
        torch.testing.assert_close(terms["loss"][i], reference(output, image))
        torch.testing.assert_close(terms["mse"][i], nn.functional.mse_loss(output, image))


# --- perceptual


@pytest.mark.parametrize(
    ("pixel_loss", "reference"),
    [("bce", nn.functional.binary_cross_entropy), ("mse", nn.functional.mse_loss)],
)
def test_perceptual_loss_is_the_features_squared_difference_and_a_share_of_the_pixels(
    pixel_loss: Any,
    reference: Callable[[Tensor, Tensor], Tensor],
    pictures: Pictures,
    noise: Noise,
) -> None:
    model, images = plain(), pictures(5)
    terms = perceptual(pixel_loss, 0.5).terms(model, images, images, noise)
    for i in range(5):
        output, image = model(images[i : i + 1]), images[i : i + 1]
        maps = zip(perceive(output), perceive(image), strict=True)
        features = sum(nn.functional.mse_loss(a, b) for a, b in maps)
        torch.testing.assert_close(terms["features"][i], features)
        torch.testing.assert_close(terms["pixels"][i], reference(output, image))
        torch.testing.assert_close(terms["loss"][i], features + 0.5 * reference(output, image))


def test_the_features_alone_move_the_model_and_leave_the_classifier_as_it_is(
    pictures: Pictures, noise: Noise
) -> None:
    network = ConvClassifier(SHAPE, classes=2, channels=[4], features=3).requires_grad_(False)
    objective = Perceptual(network.maps, "bce", pixel_weight=0.0)
    model, images = plain(), pictures(5)
    objective.update(model, images, images, noise, lambda _, losses: losses.mean().backward())
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_classifier_is_given_and_no_part_of_what_is_saved() -> None:
    network = ConvClassifier(SHAPE, classes=2, channels=[4], features=3)
    assert not Perceptual(network.maps, "bce", 1.0).state_dict()
    without = Perceptual(None, "bce", 1.0)
    without.check(plain())
    assert list(without.parameter_groups(plain())) == ["model"]


# --- variational


def test_kl_agrees_with_torch_distributions() -> None:
    mean, log_variance = torch.randn(6, 2, 3), torch.randn(6, 2, 3)
    posterior = distributions.Normal(mean, log_variance.exp().sqrt())
    expected = distributions.kl_divergence(posterior, distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(kl_to_standard_normal(mean, log_variance), expected.sum((1, 2)))


def test_kl_is_zero_at_the_prior_alone() -> None:
    zero = torch.zeros(1, 2)
    assert kl_to_standard_normal(zero, zero) == 0
    assert kl_to_standard_normal(zero + 0.1, zero) > 0
    assert kl_to_standard_normal(zero, zero - 0.1) > 0


def test_slip_exp_log_var_as_standard_deviation_draws_have_std_exp_half_log_var(
    noise: Noise,
) -> None:
    mean = torch.tensor([1.0, -2.0]).expand(100_000, 2)
    log_variance = torch.tensor([4.0, 0.25]).log().expand(100_000, 2)
    drawn = draw(mean, log_variance, noise)
    torch.testing.assert_close(drawn.mean(0), torch.tensor([1.0, -2.0]), atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.std(0), torch.tensor([2.0, 0.5]), atol=0.02, rtol=0)


class FixedPosterior(VariationalAutoencoder):
    """A posterior that does not look at the image; remembers the latents that it decodes."""

    latent_shape = (2,)

    def __init__(self, mean: float, variance: float) -> None:
        super().__init__()
        self.mean, self.variance = mean, variance
        self.latents = torch.empty(0)

    def posterior(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        mean = torch.full((len(seen), 2), self.mean)
        return mean, torch.full_like(mean, math.log(self.variance))

    def decode(self, latent: Tensor) -> Tensor:
        self.latents = latent
        return latent.repeat(1, PIXELS // 2).view(-1, *SHAPE)


def test_slip_exp_log_var_as_standard_deviation_in_the_objective_itself(
    noise: Noise,
) -> None:
    model, images = FixedPosterior(mean=1.0, variance=4.0), torch.zeros(20_000, *SHAPE)
    terms = Variational("gaussian").terms(model, images, images, noise)
    assert model.latents.mean() == pytest.approx(1, abs=0.05)
    assert model.latents.std() == pytest.approx(2, abs=0.05)
    per_dimension = (4 + 1**2 - 1 - math.log(4)) / 2
    assert terms["kl"].tolist() == pytest.approx([2 * per_dimension] * 20_000)


def test_every_image_has_its_own_draw(noise: Noise) -> None:
    model, images = FixedPosterior(mean=0.0, variance=1.0), torch.zeros(50, *SHAPE)
    Variational("gaussian").terms(model, images, images, noise)
    assert len(model.latents.unique()) == 100


def test_the_gaussian_term_is_minus_log_likelihood_of_variance_one_half_up_to_its_constant(
    noise: Noise, pictures: Pictures
) -> None:
    model, images = FixedPosterior(mean=0.0, variance=1.0), pictures(50)
    terms = Variational("gaussian").terms(model, images, images, noise)
    decoded = model.decode(model.latents).sigmoid()
    likelihood = distributions.Normal(decoded, math.sqrt(0.5))
    constant = PIXELS / 2 * math.log(math.pi)
    expected = -likelihood.log_prob(images).flatten(1).sum(1) - constant
    torch.testing.assert_close(terms["reconstruction"], expected, rtol=1e-4, atol=1e-4)


def test_the_bernoulli_term_is_minus_log_likelihood(noise: Noise, pictures: Pictures) -> None:
    model, images = FixedPosterior(mean=0.0, variance=1.0), pictures(50).round()
    terms = Variational("bernoulli").terms(model, images, images, noise)
    likelihood = distributions.Bernoulli(logits=model.decode(model.latents))
    expected = -likelihood.log_prob(images).flatten(1).sum(1)
    torch.testing.assert_close(terms["reconstruction"], expected, rtol=1e-4, atol=1e-4)


def test_the_vae_s_loss_is_pixels_times_mse_plus_kl(noise: Noise, pictures: Pictures) -> None:
    images = pictures(5)
    terms = Variational("gaussian").terms(variational(), images, images, noise)
    torch.testing.assert_close(terms["loss"], PIXELS * terms["mse"] + terms["kl"])


def test_the_bound_s_gradient_reaches_the_log_variance_from_both_terms(
    noise: Noise, pictures: Pictures
) -> None:
    model, images = variational(), pictures(5)
    terms = Variational("gaussian").terms(model, images, images, noise)
    weight = model.get_parameter("log_variance.weight")
    for name in ("reconstruction", "kl"):
        (gradient,) = torch.autograd.grad(terms[name].sum(), weight, retain_graph=True)
        assert gradient.abs().max() > 0, name


# --- adversarial


def test_slip_last_layer_unused_the_discriminator_gives_one_number_per_image() -> None:
    objective, codes = adversarial(), torch.randn(7, 3)
    logits = objective.discriminate(codes)
    assert logits.shape == (7,)
    last = [layer for layer in objective.discriminator if isinstance(layer, nn.Linear)][-1]
    assert last.out_features == 1
    with torch.no_grad():
        last.bias.add_(1)
    torch.testing.assert_close(objective.discriminate(codes), logits + 1)


def test_feature_maps_can_be_codes_too() -> None:
    objective = Adversarial(latent_shape=(8, 4, 4), discriminator_hidden=[16])
    assert objective.discriminate(torch.randn(7, 8, 4, 4)).shape == (7,)


def test_both_sides_of_the_game_are_cross_entropies(noise: Noise, pictures: Pictures) -> None:
    objective, model, images = adversarial(), plain(), pictures(5)
    terms = objective.terms(model, images, images, noise)
    prior = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    real = objective.discriminate(prior).sigmoid()
    fake = objective.discriminate(model.encode(images)).sigmoid()
    torch.testing.assert_close(terms["discriminator"], -real.log() - (1 - fake).log())
    torch.testing.assert_close(terms["generator"], -fake.log())
    output = model(images)
    bce = nn.functional.binary_cross_entropy(output, images, reduction="none")
    torch.testing.assert_close(terms["loss"], bce.mean((1, 2, 3)))


def test_a_discriminator_that_cannot_tell_scores_two_log_two(
    noise: Noise, pictures: Pictures
) -> None:
    objective, images = adversarial(), pictures(5)
    for parameter in objective.parameters():
        nn.init.zeros_(parameter)
    terms = objective.terms(plain(), images, images, noise)
    assert terms["discriminator"].tolist() == pytest.approx([2 * math.log(2)] * 5)


def test_slip_codes_not_detached_the_discriminator_s_loss_has_no_way_to_the_encoder(
    noise: Noise, pictures: Pictures
) -> None:
    model, images = plain(), pictures(5)
    reaches: dict[str, bool] = {}

    def step(name: str, losses: Tensor) -> None:
        encoder = list(model.encoder.parameters())
        gradients = torch.autograd.grad(
            losses.mean(), encoder, allow_unused=True, retain_graph=True
        )
        reaches[name] = gradients[0] is not None

    adversarial().update(model, images, images, noise, step)
    assert reaches == {"autoencoder": True, "discriminator": False, "generator": True}


def test_the_generator_s_step_sees_the_discriminator_that_has_just_learnt(
    noise: Noise, pictures: Pictures
) -> None:
    objective, images = adversarial(), pictures(5)

    def step(name: str, losses: Tensor) -> None:
        if name == "discriminator":
            for parameter in objective.parameters():
                nn.init.zeros_(parameter)

    terms = objective.update(plain(), images, images, noise, step)
    assert terms["generator"].tolist() == pytest.approx([math.log(2)] * 5)


def test_slip_global_generators_draws_come_from_the_generator_given(pictures: Pictures) -> None:
    images = pictures(5)

    def terms(global_seed: int, seed: int) -> list[Tensor]:
        torch.manual_seed(global_seed)
        np.random.seed(global_seed)  # noqa: NPY002
        model, other, objective = variational(), plain(), adversarial()
        torch.manual_seed(global_seed)
        given = Noise(torch.Generator().manual_seed(seed))
        return [
            draw(torch.zeros(4, 3), torch.zeros(4, 3), given),
            Variational("gaussian").terms(model, images, images, given)["loss"],
            objective.terms(other, images, images, given)["discriminator"],
            objective.update(other, images, images, given, no_step)["discriminator"],
        ]

    for a, b, c in zip(terms(0, seed=1), terms(5, seed=1), terms(0, seed=2), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)
