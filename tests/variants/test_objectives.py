import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, distributions, nn

from autoencoders.randomness import Noise
from autoencoders.variants.assembly import Assembled, assemble
from autoencoders.variants.classifier import ConvClassifier
from autoencoders.variants.models import MODELS
from autoencoders.variants.models.base import Autoencoder, VariationalAutoencoder
from autoencoders.variants.objectives import OBJECTIVES
from autoencoders.variants.objectives.adversarial import Adversarial, discriminate
from autoencoders.variants.objectives.base import Networks, Objective, Terms
from autoencoders.variants.objectives.losses import cross_entropy, draw
from autoencoders.variants.objectives.perceptual import Perceptual
from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.objectives.variational import Variational
from autoencoders.variants.objectives.wasserstein import Wasserstein, squared_discrepancies
from autoencoders.variants.priors.mixture import Mixture
from tests.examples import example_parts

Pictures = Callable[..., Tensor]

SHAPE = (1, 8, 8)
PIXELS = 64


def model(kind: str) -> Autoencoder:
    torch.manual_seed(0)
    return MODELS[kind](input_shape=SHAPE, image_shape=SHAPE, hidden=[20], latent_size=3)


def plain() -> Autoencoder:
    return model("mlp_ae")


def variational() -> VariationalAutoencoder:
    vae = model("mlp_vae")
    assert isinstance(vae, VariationalAutoencoder)
    return vae


def adversarial() -> Adversarial:
    return Adversarial(latent_shape=(3,), discriminator_hidden=[16, 16])


def together(objective: Objective, model: Autoencoder) -> Networks:
    """Return a model and its objective's networks."""
    torch.manual_seed(1)
    return Networks(model, objective.networks())


def terms_of(objective: Objective, model: Autoencoder, images: Tensor, noise: Noise) -> Terms:
    """Return the terms of a batch whose encoder inputs are the images."""
    return objective.terms(together(objective, model), images, images, noise)


def perceive(images: Tensor) -> list[Tensor]:
    """Return two feature maps of an untrained network."""
    weight = torch.linspace(-1, 1, 18).view(2, 1, 3, 3)
    first = nn.functional.conv2d(images, weight).relu()
    return [first, nn.functional.max_pool2d(first, 2).square()]


def perceptual(pixel_loss: Any = "bce", pixel_weight: float = 0.5) -> Perceptual:
    return Perceptual(perceive, pixel_loss, pixel_weight)


def no_step(name: str, losses: Tensor) -> None:
    pass


LEARNERS = {
    name.removeprefix(f"{parts.model.kind}-"): parts
    for name, parts in reversed(example_parts(SHAPE).items())
}


@pytest.fixture(params=LEARNERS.values(), ids=list(LEARNERS))
def example(request: pytest.FixtureRequest) -> Assembled:
    """Return each objective with each of its options, and the first model that fits it."""
    return assemble(request.param, SHAPE, 0, "example", perceive=perceive)


def test_every_registered_objective_is_tested_here() -> None:
    assert {parts.objective.kind for parts in LEARNERS.values()} == set(OBJECTIVES)


# --- every objective


def test_terms_are_one_finite_float32_per_image(
    example: Assembled, pictures: Pictures, noise: Noise
) -> None:
    objective, networks = example.objective, example.networks
    images = pictures(5)
    inputs = example.input(images, noise)
    terms = objective.terms(networks, inputs, images, noise)
    update_terms = objective.update(networks, inputs, images, noise, no_step)
    assert list(terms) == list(update_terms)
    assert {"loss", "mse"} <= set(terms)
    assert set(objective.units) <= set(terms)
    for values in [*terms.values(), *update_terms.values()]:
        assert values.shape == (5,)
        assert values.dtype == torch.float32
        assert values.isfinite().all()


def test_the_target_is_the_clean_image_and_not_the_encoder_input(
    example: Assembled, pictures: Pictures, noise: Noise
) -> None:
    objective, networks = example.objective, example.networks
    noisy, clean = torch.rand(5, *example.input_shape), pictures(5)
    logits: list[Tensor] = []
    decoder = networks.model.get_submodule("decoder")
    decoder.register_forward_hook(lambda _, inputs, output: logits.append(output))
    mse = objective.terms(networks, noisy, clean, noise)["mse"]
    expected = (logits[0].sigmoid().view_as(clean) - clean).square().mean((1, 2, 3))
    torch.testing.assert_close(mse, expected)


def test_an_update_takes_each_step_once_and_the_groups_cover_every_parameter(
    example: Assembled, pictures: Pictures, noise: Noise
) -> None:
    objective, networks = example.objective, example.networks
    images, steps = pictures(5), list[str]()
    inputs = example.input(images, noise)
    objective.update(networks, inputs, images, noise, lambda name, _: steps.append(name))
    groups = objective.parameter_groups(networks)
    assert steps == list(objective.steps) == list(groups)
    covered = {parameter for group in groups.values() for parameter in group}
    assert covered == set(networks.parameters())


@pytest.mark.parametrize(
    ("name", "objective"),
    [
        ("reconstruction", Reconstruction("bce")),
        ("perceptual", perceptual()),
        ("adversarial", adversarial()),
    ],
)
def test_a_variational_model_is_an_error_for_objectives_without_a_posterior(
    name: str, objective: Objective
) -> None:
    with pytest.raises(ValueError, match=f"found {name} .* log-variance .* allowed: variational"):
        objective.check(model("mlp_vae"))
    objective.check(model("mlp_ae"))


def test_a_model_without_posterior_is_an_error_for_the_variational_objective() -> None:
    with pytest.raises(
        ValueError, match="variational with a model that is not variational; allowed"
    ):
        Variational("gaussian").check(model("mlp_ae"))
    Variational("gaussian").check(model("mlp_vae"))


# --- reconstruction


def test_binary_cross_entropy_is_finite_and_exact_for_large_logits() -> None:
    logits, images = torch.full((1, 1, 1, 2), 200.0), torch.tensor([[[[1.0, 0.0]]]])
    assert cross_entropy(logits, images).tolist() == [[0, 200]]


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
    terms = terms_of(Reconstruction(loss), model, images, noise)
    for i, image in enumerate(images):
        output = model(image[None])[0]
        torch.testing.assert_close(terms["loss"][i], reference(output, image))
        torch.testing.assert_close(terms["mse"][i], nn.functional.mse_loss(output, image))


# --- perceptual


@pytest.mark.parametrize(
    ("pixel_loss", "reference"),
    [("bce", nn.functional.binary_cross_entropy), ("mse", nn.functional.mse_loss)],
)
def test_perceptual_loss_is_the_feature_difference_plus_the_weighted_pixel_loss(
    pixel_loss: Any,
    reference: Callable[[Tensor, Tensor], Tensor],
    pictures: Pictures,
    noise: Noise,
) -> None:
    model, images = plain(), pictures(5)
    terms = terms_of(perceptual(pixel_loss, 0.5), model, images, noise)
    for i in range(5):
        output, image = model(images[i : i + 1]), images[i : i + 1]
        maps = zip(perceive(output), perceive(image), strict=True)
        features = sum(nn.functional.mse_loss(a, b) for a, b in maps)
        torch.testing.assert_close(terms["features"][i], features)
        torch.testing.assert_close(terms["pixels"][i], reference(output, image))
        torch.testing.assert_close(terms["loss"][i], features + 0.5 * reference(output, image))


def test_the_feature_loss_trains_the_model_and_not_the_classifier(
    pictures: Pictures, noise: Noise
) -> None:
    network = ConvClassifier(SHAPE, classes=2, channels=[4], features=3).requires_grad_(False)
    objective = Perceptual(network.maps, "bce", pixel_weight=0.0)
    networks, images = together(objective, plain()), pictures(5)
    objective.update(networks, images, images, noise, lambda _, losses: losses.mean().backward())
    assert all(parameter.grad is not None for parameter in networks.model.parameters())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_classifier_is_not_one_of_the_objective_s_networks() -> None:
    network = ConvClassifier(SHAPE, classes=2, channels=[4], features=3)
    assert not Perceptual(network.maps, "bce", 1.0).networks()
    without = Perceptual(None, "bce", 1.0)
    without.check(model("mlp_ae"))
    assert list(without.parameter_groups(together(without, plain()))) == ["model"]


# --- variational


def test_slip_exp_log_var_as_standard_deviation_draws_have_std_exp_half_log_var(
    noise: Noise,
) -> None:
    mean = torch.tensor([1.0, -2.0]).expand(100_000, 2)
    log_variance = torch.tensor([4.0, 0.25]).log().expand(100_000, 2)
    drawn = draw(mean, log_variance, noise)
    torch.testing.assert_close(drawn.mean(0), torch.tensor([1.0, -2.0]), atol=0.03, rtol=0)
    torch.testing.assert_close(drawn.std(0), torch.tensor([2.0, 0.5]), atol=0.02, rtol=0)


class FixedPosterior(VariationalAutoencoder):
    """A posterior that ignores the image; it stores the latents that it decodes."""

    latent_shape = (2,)

    def __init__(self, mean: float, variance: float) -> None:
        super().__init__()
        self.fixed_mean, self.variance = mean, variance
        self.latents = torch.empty(0)

    def posterior(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        mean = torch.full((len(inputs), 2), self.fixed_mean)
        return mean, torch.full_like(mean, math.log(self.variance))

    def decode(self, latent: Tensor) -> Tensor:
        self.latents = latent
        return latent.repeat(1, PIXELS // 2).view(-1, *SHAPE)


def test_slip_exp_log_var_as_standard_deviation_in_the_objective(
    noise: Noise,
) -> None:
    model, images = FixedPosterior(mean=1.0, variance=4.0), torch.zeros(20_000, *SHAPE)
    terms = terms_of(Variational("gaussian"), model, images, noise)
    assert model.latents.mean() == pytest.approx(1, abs=0.05)
    assert model.latents.std() == pytest.approx(2, abs=0.05)
    per_dimension = (4 + 1**2 - 1 - math.log(4)) / 2
    assert terms["kl"].tolist() == pytest.approx([2 * per_dimension] * 20_000)


def test_every_image_has_another_draw(noise: Noise) -> None:
    model, images = FixedPosterior(mean=0.0, variance=1.0), torch.zeros(50, *SHAPE)
    terms_of(Variational("gaussian"), model, images, noise)
    assert len(model.latents.unique()) == 100


def test_the_gaussian_term_is_minus_log_likelihood_for_variance_one_half(
    noise: Noise, pictures: Pictures
) -> None:
    model, images = FixedPosterior(mean=0.0, variance=1.0), pictures(50)
    terms = terms_of(Variational("gaussian"), model, images, noise)
    decoded = model.decode(model.latents).sigmoid()
    likelihood = distributions.Normal(decoded, math.sqrt(0.5))
    constant = PIXELS / 2 * math.log(math.pi)
    expected = -likelihood.log_prob(images).flatten(1).sum(1) - constant
    torch.testing.assert_close(terms["reconstruction"], expected, rtol=1e-4, atol=1e-4)


def test_the_bernoulli_term_is_minus_log_likelihood(noise: Noise, pictures: Pictures) -> None:
    model, images = FixedPosterior(mean=0.0, variance=1.0), pictures(50).round()
    terms = terms_of(Variational("bernoulli"), model, images, noise)
    likelihood = distributions.Bernoulli(logits=model.decode(model.latents))
    expected = -likelihood.log_prob(images).flatten(1).sum(1)
    torch.testing.assert_close(terms["reconstruction"], expected, rtol=1e-4, atol=1e-4)


def test_the_vae_s_loss_is_pixels_times_mse_plus_kl(noise: Noise, pictures: Pictures) -> None:
    images = pictures(5)
    terms = terms_of(Variational("gaussian"), variational(), images, noise)
    torch.testing.assert_close(terms["loss"], PIXELS * terms["mse"] + terms["kl"])


def test_both_terms_of_the_bound_have_a_gradient_for_the_log_variance(
    noise: Noise, pictures: Pictures
) -> None:
    model, images = variational(), pictures(5)
    terms = terms_of(Variational("gaussian"), model, images, noise)
    weight = model.get_parameter("log_variance.weight")
    for name in ("reconstruction", "kl"):
        (gradient,) = torch.autograd.grad(terms[name].sum(), weight, retain_graph=True)
        assert gradient.abs().max() > 0, name


# --- several samples, other bounds and priors


def of_samples(
    objective: Variational, images: Tensor, seed: int
) -> tuple[Terms, Tensor, Tensor, VariationalAutoencoder]:
    """Return the terms, log p(x|z) and the log-ratio log p(z)/q(z|x) of each sample, the model."""
    vae = variational()
    terms = objective.terms(Networks(vae, {}), images, images, noise_of(seed))
    mean, log_variance = vae.posterior(images)
    q, p = distributions.Normal(mean, (log_variance / 2).exp()), distributions.Normal(0, 1)
    same = noise_of(seed)
    z = torch.stack([draw(mean, log_variance, same) for _ in range(objective.samples)])
    bernoulli = distributions.Bernoulli(logits=torch.stack([vae.decode(each) for each in z]))
    likelihood = bernoulli.log_prob(images).flatten(2).sum(2)
    return terms, likelihood, (p.log_prob(z) - q.log_prob(z)).sum(2), vae


def noise_of(seed: int) -> Noise:
    return Noise(torch.Generator().manual_seed(seed))


def binary(pictures: Pictures) -> Tensor:
    return (pictures(4) > 0.5).float()


def test_the_elbo_of_several_samples_is_their_mean(pictures: Pictures) -> None:
    objective = Variational("bernoulli", samples=6)
    terms, likelihood, _, vae = of_samples(objective, binary(pictures), seed=3)
    mean, log_variance = vae.posterior(binary(pictures))
    kl = distributions.kl_divergence(
        distributions.Normal(mean, (log_variance / 2).exp()), distributions.Normal(0, 1)
    ).sum(1)
    torch.testing.assert_close(terms["reconstruction"], -likelihood.mean(0))
    torch.testing.assert_close(terms["loss"], kl - likelihood.mean(0))


def test_the_importance_weighted_bound_is_the_logarithm_of_the_mean_weight(
    pictures: Pictures,
) -> None:
    objective = Variational("bernoulli", bound="iwae", samples=6)
    terms, likelihood, ratio, _ = of_samples(objective, binary(pictures), seed=3)
    weights = (likelihood + ratio).double().exp()
    torch.testing.assert_close(terms["loss"].double(), -weights.mean(0).log(), rtol=1e-5, atol=0)


def test_the_decoders_gradient_of_the_importance_weighted_bound_weights_the_samples(
    pictures: Pictures,
) -> None:
    """Burda et al., arXiv 1509.00519, eq. 13 and 14: Σ w̃ ∇ log w, with normalised weights w̃."""
    objective = Variational("bernoulli", bound="iwae", samples=6)
    terms, likelihood, ratio, vae = of_samples(objective, binary(pictures), seed=3)
    found = gradients(terms["loss"].sum(), vae.decoder)
    expected = gradients(-burda(likelihood + ratio), vae.decoder)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_encoders_gradient_squares_the_normalised_weights(pictures: Pictures) -> None:
    """Tucker et al., arXiv 1810.04152, eq. 8: Σ w̃² ∂log w/∂z ∂z/∂φ, with z = mean + σ·ε."""
    images = binary(pictures)
    objective = Variational("bernoulli", bound="iwae", samples=6)
    terms, likelihood, ratio, vae = of_samples(objective, images, seed=3)
    found = gradients(terms["loss"].sum(), vae.mean, vae.log_variance)
    mean, log_variance = vae.posterior(images)
    noise = noise_of(3)
    z = torch.stack([draw(mean, log_variance, noise) for _ in range(6)])
    point = z.detach().requires_grad_()
    q = distributions.Normal(mean.detach(), (log_variance.detach() / 2).exp())
    logits = torch.stack([vae.decode(each) for each in point])
    log_weights = distributions.Bernoulli(logits=logits).log_prob(images).flatten(2).sum(2) + (
        distributions.Normal(0, 1).log_prob(point) - q.log_prob(point)
    ).sum(2)
    torch.testing.assert_close(log_weights, likelihood + ratio)
    (slope,) = torch.autograd.grad(log_weights.sum(), point)
    squares = log_weights.detach().softmax(0).square()[..., None]
    expected = gradients(-(squares * slope * z).sum(), vae.mean, vae.log_variance)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_the_encoders_gradient_has_the_mean_of_burdas_and_less_variance(
    pictures: Pictures,
) -> None:
    objective = Variational("bernoulli", bound="iwae", samples=6)
    doubly, plain = [], []
    for seed in range(100):
        terms, likelihood, ratio, vae = of_samples(objective, binary(pictures), seed)
        doubly.append(gradients(terms["loss"].sum(), vae.mean))
        plain.append(gradients(-burda(likelihood + ratio), vae.mean))
    a, b = torch.stack(doubly), torch.stack(plain)
    five_errors = 5 * (a - b).std(0) / math.sqrt(len(a))
    assert ((a - b).mean(0).abs() <= five_errors).all()  # both are 0 for units that are off
    assert a.var(0).sum() < b.var(0).sum()


def burda(log_weights: Tensor) -> Tensor:
    """Return a sum whose gradient is that of the bounds of all images, arXiv 1509.00519, eq. 14."""
    return (log_weights.softmax(0).detach() * log_weights).sum()


def gradients(loss: Tensor, *networks: nn.Module) -> Tensor:
    """Return the gradient with respect to all parameters of `networks`, as one vector."""
    parameters = [parameter for network in networks for parameter in network.parameters()]
    found = torch.autograd.grad(loss, parameters, retain_graph=True)
    return torch.cat([gradient.flatten() for gradient in found])


def test_with_one_sample_both_bounds_have_the_same_mean(pictures: Pictures) -> None:
    images = binary(pictures)
    elbo, iwae = (
        torch.stack(
            [
                of_samples(Variational("bernoulli", bound=b), images, s)[0]["loss"]
                for s in range(200)
            ]
        )
        for b in ("elbo", "iwae")
    )
    five_errors = 5 * (elbo - iwae).std(0) / math.sqrt(len(elbo))
    assert ((elbo - iwae).mean(0).abs() < five_errors).all()


def test_beta_weights_the_kl_and_free_bits_cost_nothing(pictures: Pictures) -> None:
    images = binary(pictures)

    def terms(**settings: Any) -> Terms:
        return of_samples(Variational("bernoulli", **settings), images, seed=3)[0]

    plain = terms()
    torch.testing.assert_close(
        terms(beta=4.0)["loss"], plain["reconstruction"] + 4 * plain["kl"], rtol=1e-6, atol=0
    )
    free = plain["kl"].median().item()
    expected = plain["reconstruction"] + plain["kl"].maximum(torch.tensor(free))
    torch.testing.assert_close(terms(free_bits=free)["loss"], expected)
    with pytest.raises(ValueError, match=r"^objective: found beta 2.0 .* bound iwae; allowed: "):
        Variational("bernoulli", bound="iwae", beta=2.0).check(variational())


def test_an_update_trains_a_learned_prior(pictures: Pictures) -> None:
    objective = Variational("bernoulli", Mixture((3,), components=5))
    networks = together(objective, variational())
    assert {*objective.parameter_groups(networks)["model"]} == {*networks.parameters()}
    objective.update(
        networks, pictures(4), pictures(4), noise_of(1), lambda _, x: x.sum().backward()
    )
    gradients = [parameter.grad for parameter in networks.objective.parameters()]
    assert all(gradient is not None and gradient.any() for gradient in gradients)
    with pytest.raises(ValueError, match=r"^objective.prior: found a learned prior"):
        Adversarial((3,), [16], Mixture((3,), components=5)).check(plain())


# --- the Wasserstein objective


def test_discrepancies_agree_with_a_double_sum_over_pairs(noise: Noise) -> None:
    codes, draws = noise.normal((5, 3)) + 1, noise.normal((5, 3))

    def kernel(a: Tensor, b: Tensor) -> float:
        distance = (a - b).square().sum().item()
        return sum(6 * s / (6 * s + distance) for s in (0.1, 0.2, 0.5, 1, 2, 5, 10))

    pairs = [(i, j) for i in range(5) for j in range(5)]
    same = sum(kernel(x[i], x[j]) for x in (codes, draws) for i, j in pairs if i != j) / (5 * 4)
    across = sum(kernel(codes[i], draws[j]) for i, j in pairs) / 25
    assert squared_discrepancies(codes, draws).mean().item() == pytest.approx(same - 2 * across)


def test_the_discrepancy_is_about_zero_only_for_codes_from_the_prior(noise: Noise) -> None:
    def of(codes: Tensor) -> float:
        return squared_discrepancies(codes, noise.normal((500, 3))).mean().item()

    drawn = [of(noise.normal((500, 3))) for _ in range(20)]
    assert abs(sum(drawn) / 20) < 0.01
    assert of(noise.normal((500, 3)) + 0.5) > 0.05
    assert of(0.5 * noise.normal((500, 3))) > 0.05
    assert max(map(abs, drawn)) < 0.05


def test_the_wasserstein_loss_weights_the_discrepancy(noise: Noise, pictures: Pictures) -> None:
    images = pictures(8)
    terms = terms_of(Wasserstein("mse", weight=3.0), plain(), images, noise)
    torch.testing.assert_close(terms["loss"], terms["mse"] + 3 * terms["discrepancy"])
    terms["loss"].mean().backward()


# --- adversarial


def discriminator(networks: Networks) -> nn.Sequential:
    network = networks.objective["discriminator"]
    assert isinstance(network, nn.Sequential)
    return network


def test_slip_last_layer_unused_the_discriminator_gives_one_number_per_image() -> None:
    networks, codes = together(adversarial(), plain()), torch.randn(7, 3)
    logits = discriminate(networks, codes)
    assert logits.shape == (7,)
    last = [layer for layer in discriminator(networks) if isinstance(layer, nn.Linear)][-1]
    assert last.out_features == 1
    with torch.no_grad():
        last.bias.add_(1)
    torch.testing.assert_close(discriminate(networks, codes), logits + 1)


def test_codes_can_be_feature_maps() -> None:
    objective = Adversarial(latent_shape=(8, 4, 4), discriminator_hidden=[16])
    assert discriminate(together(objective, plain()), torch.randn(7, 8, 4, 4)).shape == (7,)


def test_the_discriminator_and_generator_losses_are_cross_entropies(
    noise: Noise, pictures: Pictures
) -> None:
    objective, images = adversarial(), pictures(5)
    networks = together(objective, plain())
    model = networks.model
    terms = objective.terms(networks, images, images, noise)
    prior = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    real = discriminate(networks, prior).sigmoid()
    fake = discriminate(networks, model.encode(images)).sigmoid()
    torch.testing.assert_close(terms["discriminator"], -real.log() - (1 - fake).log())
    torch.testing.assert_close(terms["generator"], -fake.log())
    output = model(images)
    bce = nn.functional.binary_cross_entropy(output, images, reduction="none")
    torch.testing.assert_close(terms["loss"], bce.mean((1, 2, 3)))


def test_a_constant_discriminator_has_the_loss_two_log_two(
    noise: Noise, pictures: Pictures
) -> None:
    objective, images = adversarial(), pictures(5)
    networks = together(objective, plain())
    for parameter in discriminator(networks).parameters():
        nn.init.zeros_(parameter)
    terms = objective.terms(networks, images, images, noise)
    assert terms["discriminator"].tolist() == pytest.approx([2 * math.log(2)] * 5)


def test_slip_codes_not_detached_the_discriminator_s_loss_has_no_gradient_for_the_encoder(
    noise: Noise, pictures: Pictures
) -> None:
    objective, images = adversarial(), pictures(5)
    networks = together(objective, plain())
    reaches: dict[str, bool] = {}

    def step(name: str, losses: Tensor) -> None:
        encoder = list(networks.model.encoder.parameters())
        gradients = torch.autograd.grad(
            losses.mean(), encoder, allow_unused=True, retain_graph=True
        )
        reaches[name] = gradients[0] is not None

    objective.update(networks, images, images, noise, step)
    assert reaches == {"autoencoder": True, "discriminator": False, "generator": True}


def test_the_generator_s_step_uses_the_updated_discriminator(
    noise: Noise, pictures: Pictures
) -> None:
    objective, images = adversarial(), pictures(5)
    networks = together(objective, plain())

    def step(name: str, losses: Tensor) -> None:
        if name == "discriminator":
            for parameter in discriminator(networks).parameters():
                nn.init.zeros_(parameter)

    terms = objective.update(networks, images, images, noise, step)
    assert terms["generator"].tolist() == pytest.approx([math.log(2)] * 5)


def test_a_weighted_generator_loss_is_part_of_the_autoencoder_s_step(
    noise: Noise, pictures: Pictures
) -> None:
    weighted, images = Adversarial((3,), [16, 16], generator_weight=0.25), pictures(5)
    networks = together(weighted, plain())
    losses: dict[str, Tensor] = {}
    reached: dict[str, bool] = {}

    def step(name: str, values: Tensor) -> None:
        losses[name] = values
        encoder = list(networks.model.encoder.parameters())
        gradients = torch.autograd.grad(
            values.mean(), encoder, allow_unused=True, retain_graph=True
        )
        reached[name] = gradients[0] is not None

    terms = weighted.update(networks, images, images, noise, step)
    assert reached == {"autoencoder": True, "discriminator": False}
    assert tuple(reached) == weighted.steps == tuple(weighted.parameter_groups(networks))
    expected = terms["loss"] + 0.25 * terms["generator"]
    torch.testing.assert_close(losses["autoencoder"], expected)
    torch.testing.assert_close(losses["discriminator"], terms["discriminator"])


def test_a_weighted_generator_has_the_terms_of_one_with_its_own_step(pictures: Pictures) -> None:
    images, apart = pictures(5), adversarial()
    weighted = Adversarial((3,), [16, 16], generator_weight=0.25)
    networks = together(apart, plain())
    found, expected = (
        objective.update(networks, images, images, noise_of(2), no_step)
        for objective in (weighted, apart)
    )
    assert list(found) == list(expected)
    for name, term in expected.items():
        torch.testing.assert_close(found[name], term)


def test_slip_global_generators_draws_come_from_the_noise_argument(pictures: Pictures) -> None:
    images = pictures(5)

    def terms(global_seed: int, seed: int) -> list[Tensor]:
        torch.manual_seed(global_seed)
        np.random.seed(global_seed)  # noqa: NPY002
        model, objective = variational(), adversarial()
        networks = together(objective, plain())
        torch.manual_seed(global_seed)
        noise = Noise(torch.Generator().manual_seed(seed))
        return [
            draw(torch.zeros(4, 3), torch.zeros(4, 3), noise),
            terms_of(Variational("gaussian"), model, images, noise)["loss"],
            objective.terms(networks, images, images, noise)["discriminator"],
            objective.update(networks, images, images, noise, no_step)["discriminator"],
        ]

    for a, b, c in zip(terms(0, seed=1), terms(5, seed=1), terms(0, seed=2), strict=True):
        assert torch.equal(a, b)
        assert not torch.equal(a, c)
