"""The reference of the benchmark has the same networks, inputs and losses as the project."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from autoencoders import params
from autoencoders.param_types import Bytes
from autoencoders.variants.assembly import Assembled, assemble
from autoencoders.variants.models.base import VariationalAutoencoder
from autoencoders.variants.objectives.adversarial import discriminate
from benchmarks import reference, settings
from tests.saved import PARAMS

VARIANTS = settings.VARIANTS
SHIPPED = params.load(PARAMS)
CPU = torch.device("cpu")


def project(variant: str) -> Assembled:
    """Return a variant of params.yaml, built by the project for MNIST."""
    return assemble(SHIPPED.variants[variant], (1, 28, 28), seed=1, name=f"mnist/{variant}")


def with_equal_weights(variant: str) -> tuple[Assembled, reference.System]:
    """Return the project's variant and the reference, both with the project's weights."""
    ours, theirs = project(variant), reference.SYSTEMS[variant]()
    with torch.no_grad():
        pairs = zip(theirs.parameters(), ours.networks.parameters(), strict=True)
        for copy, original in pairs:
            copy.copy_(original)
    return ours, theirs


def shapes(module: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in module.parameters()]


@pytest.fixture
def digits() -> Bytes:
    return np.random.default_rng(0).integers(0, 256, (512, 1, 28, 28), dtype=np.uint8)


@pytest.fixture
def images(digits: Bytes) -> Tensor:
    return torch.from_numpy(digits[:20]).float() / 255


def test_every_variant_has_a_reference_and_settings() -> None:
    assert tuple(reference.SYSTEMS) == VARIANTS
    for values in (settings.QUICK, settings.REFERENCE_EPOCHS, settings.REFERENCE_LOSS):
        assert tuple(values) == VARIANTS


@pytest.mark.parametrize("variant", VARIANTS)
def test_networks_have_the_parameters_of_params_yaml(variant: str) -> None:
    ours, theirs = project(variant).networks, reference.SYSTEMS[variant]()
    assert shapes(theirs) == shapes(ours)
    assert sum(p.numel() for p in theirs.parameters()) == sum(p.numel() for p in ours.parameters())


@pytest.mark.parametrize("variant", ["conv", "denoise", "superres"])
def test_convolutional_networks_compute_the_same(variant: str, images: Tensor) -> None:
    ours, theirs = with_equal_weights(variant)
    assert isinstance(theirs, reference.Reconstruction)
    inputs = theirs.encoder_input(images)
    torch.testing.assert_close(theirs.network(inputs), ours.model(inputs), atol=1e-5, rtol=0)


def test_the_vae_computes_the_same(images: Tensor) -> None:
    ours, theirs = with_equal_weights("vae")
    assert isinstance(theirs, reference.Variational)
    assert isinstance(ours.model, VariationalAutoencoder)
    mean, log_var = theirs.vae.encode(images)
    torch.testing.assert_close((mean, log_var), ours.model.posterior(images), atol=1e-5, rtol=0)
    decoded = ours.model.decode(mean).sigmoid()
    torch.testing.assert_close(theirs.vae.decode(mean), decoded, atol=1e-5, rtol=0)


def test_the_adversarial_networks_compute_the_same(images: Tensor) -> None:
    ours, theirs = with_equal_weights("aae")
    assert isinstance(theirs, reference.Adversarial)
    codes = theirs.encoder(images.flatten(1))
    torch.testing.assert_close(codes, ours.model.encode(images), atol=1e-5, rtol=0)
    decoded = theirs.decoder(codes).view_as(images).sigmoid()
    torch.testing.assert_close(decoded, ours.model(images), atol=1e-5, rtol=0)
    verdicts = theirs.discriminator(codes).squeeze(1)
    torch.testing.assert_close(verdicts, discriminate(ours.networks, codes), atol=1e-5, rtol=0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_encoder_inputs_are_those_of_the_project(variant: str, images: Tensor) -> None:
    many = images.repeat(20, 1, 1, 1)
    ours, theirs = project(variant).input, reference.SYSTEMS[variant]()
    inputs = theirs.encoder_input(many)
    assert inputs.shape[1:] == ours.shape((1, 28, 28))
    if variant == "denoise":
        assert not torch.equal(inputs, theirs.encoder_input(many))
        torch.testing.assert_close(inputs.mean(), (many + 0.5).clamp(0, 1).mean(), atol=0.1, rtol=0)
    elif variant == "superres":
        half = nn.functional.interpolate(many, (14, 14), mode="bilinear", antialias=True)
        torch.testing.assert_close(inputs, half, atol=1e-5, rtol=0)
    else:
        assert inputs is many


def test_latents_are_drawn_with_the_posterior_standard_deviation(images: Tensor) -> None:
    system = reference.SYSTEMS["vae"]()
    assert isinstance(system, reference.Variational)
    system.vae.encode = lambda x: (torch.zeros(len(x), 2), torch.full((len(x), 2), 4.0))  # type: ignore[method-assign]
    drawn: list[Tensor] = []
    decode = system.vae.decode
    system.vae.decode = lambda z: drawn.append(z) or decode(z)  # type: ignore[method-assign,func-returns-value]
    system.loss(images.repeat(100, 1, 1, 1), images.repeat(100, 1, 1, 1))
    assert drawn[0].std().item() == pytest.approx(np.exp(2), rel=0.05)


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_epoch_changes_every_weight_and_returns_the_test_loss(
    variant: str, digits: Bytes
) -> None:
    system = reference.SYSTEMS[variant]()
    before = [parameter.clone() for parameter in system.parameters()]
    loss = reference.run_epoch(system, digits[:256], digits[:2], CPU)
    after = list(system.parameters())
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert 0 < loss < 784


def test_training_batches_are_shuffled_and_test_batches_hold_one_image(digits: Bytes) -> None:
    batches = list(reference.loader(digits[:300], training=True))
    assert [len(batch) for batch in batches] == [256]
    original = torch.from_numpy(digits) / 255
    assert not torch.equal(batches[0], original[:256])
    single = list(reference.loader(digits[:3], training=False))
    torch.testing.assert_close(torch.cat(single), original[:3])
    assert len(single) == 3
