"""Play a game against a discriminator of codes."""

from math import prod
from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.param_types import Widths
from autoencoders.randomness import Noise
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.models.mlp import linear_layers
from autoencoders.variants.objectives.base import Networks, Objective, Step, Terms
from autoencoders.variants.objectives.losses import reconstruction
from autoencoders.variants.priors.base import Prior
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL

DISCRIMINATOR = "discriminator"  # the name of the network, and of the step that moves it


class Adversarial(Objective):
    """Reconstruct, with codes that a discriminator cannot tell from draws of the prior.

    Makhzani et al., arXiv 1511.05644, section 2: per batch one reconstruction update, one of the
    discriminator (prior draws are real, codes are fake) and one of the encoder as generator.
    """

    steps: ClassVar[tuple[str, ...]] = ("autoencoder", DISCRIMINATOR, "generator")

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        discriminator_hidden: Widths,
        prior: Prior = STANDARD_NORMAL,
    ) -> None:
        self.discriminator_widths = [prod(latent_shape), *discriminator_hidden, 1]
        self.prior: Prior = prior

    def check(self, model: Autoencoder) -> None:
        """Refuse, too, a latent that no training of the encoder can shape."""
        super().check(model)
        if model.latent_holds_input:
            raise ValueError(
                "the adversarial objective cannot draw a latent that holds the input itself "
                "towards a prior: use the reconstruction objective, or another model"
            )

    def networks(self) -> dict[str, nn.Module]:
        """Return the discriminator."""
        return {DISCRIMINATOR: nn.Sequential(*linear_layers(self.discriminator_widths))}

    def parameter_groups(self, networks: Networks) -> dict[str, list[nn.Parameter]]:
        """Return the groups of the three updates; the encoder is in two of them."""
        return {
            "autoencoder": list(networks.model.parameters()),
            DISCRIMINATOR: list(networks.objective[DISCRIMINATOR].parameters()),
            "generator": list(networks.model.encoder.parameters()),
        }

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss`, the reconstruction's in nats per pixel, and both sides of the game."""
        codes = networks.model.encode(inputs)
        return (
            _reconstruction(networks.model, codes, images)
            | self._discriminator_loss(networks, codes, noise)
            | _generator_loss(networks, codes)
        )

    def update(
        self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        """Take the three steps, each with what the steps before it have changed."""
        restored = _reconstruction(networks.model, networks.model.encode(inputs), images)
        step("autoencoder", restored["loss"])
        # The discriminator's step leaves the encoder as it is, so one forward serves both.
        codes = networks.model.encode(inputs)
        discriminator = self._discriminator_loss(networks, codes.detach(), noise)
        step(DISCRIMINATOR, discriminator[DISCRIMINATOR])
        adversary = _generator_loss(networks, codes)
        step("generator", adversary["generator"])
        return restored | discriminator | adversary

    def _discriminator_loss(self, networks: Networks, codes: Tensor, noise: Noise) -> Terms:
        real = discriminate(networks, self.prior.draw(codes.shape, noise).to(codes.device))
        fake = discriminate(networks, codes)
        return {DISCRIMINATOR: F.softplus(-real) + F.softplus(fake)}


def discriminate(networks: Networks, codes: Tensor) -> Tensor:
    """Return the logits `(N,)` that codes `(N, *latent_shape)` are draws from the prior."""
    return networks.objective[DISCRIMINATOR](codes.flatten(1)).squeeze(1).float()


def _reconstruction(model: Autoencoder, codes: Tensor, images: Tensor) -> Terms:
    return reconstruction("bce", model.decode(codes).float(), images)


def _generator_loss(networks: Networks, codes: Tensor) -> Terms:
    return {"generator": F.softplus(-discriminate(networks, codes))}
