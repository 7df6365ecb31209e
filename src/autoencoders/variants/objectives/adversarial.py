"""The adversarial objective: a discriminator of codes, the latents of images."""

from math import prod

import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.param_types import Rate, Widths
from autoencoders.randomness import Noise
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.models.mlp import linear_layers
from autoencoders.variants.objectives.base import Networks, Objective, Step, Terms
from autoencoders.variants.objectives.losses import reconstruction
from autoencoders.variants.priors.base import PriorFamily
from autoencoders.variants.priors.standard_normal import STANDARD_NORMAL

DISCRIMINATOR = "discriminator"  # the name of the network and of its step


class Adversarial(Objective):
    """Reconstruction, with codes that a discriminator cannot distinguish from prior draws.

    Makhzani et al., arXiv 1511.05644, section 2. Each batch has three updates: of the autoencoder
    by the reconstruction, of the discriminator (prior draws are real, codes are fake), and of the
    encoder as the generator. Codes are `(N, *latent_shape)`.

    With a `generator_weight`, the autoencoder's step minimises the reconstruction plus this weight
    times the generator's loss (Tolstikhin et al., arXiv 1711.01558, algorithm 1), and there is no
    third step. The size of Adam's updates hardly depends on the size of the gradient. A separate
    third step therefore also moves codes that already follow the prior.
    """

    steps: tuple[str, ...] = ("autoencoder", DISCRIMINATOR, "generator")

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        discriminator_hidden: Widths,
        prior: PriorFamily = STANDARD_NORMAL,
        generator_weight: Rate | None = None,
    ) -> None:
        self.discriminator_widths = [prod(latent_shape), *discriminator_hidden, 1]
        self.prior: PriorFamily = prior
        self.generator_weight = generator_weight
        if generator_weight is not None:
            self.steps = ("autoencoder", DISCRIMINATOR)

    def check(self, model: Autoencoder) -> None:
        """Raise a `ValueError` if `model` cannot train with this objective."""
        super().check(model)
        if model.latent_holds_input:
            raise ValueError(
                "objective: found adversarial for a latent that contains the encoder input; "
                "allowed: reconstruction, perceptual, or another model"
            )
        if self.prior.networks():
            raise ValueError(
                "objective.prior: found a learned prior, which adversarial never trains; allowed: "
                "standard_normal"
            )

    def networks(self) -> dict[str, nn.Module]:
        """Return the discriminator."""
        return {DISCRIMINATOR: nn.Sequential(*linear_layers(self.discriminator_widths))}

    def parameter_groups(self, networks: Networks) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of each step; the encoder is in two of the three."""
        groups = {
            "autoencoder": list(networks.model.parameters()),
            DISCRIMINATOR: list(networks.objective[DISCRIMINATOR].parameters()),
            "generator": list(networks.model.encoder.parameters()),
        }
        return {step: groups[step] for step in self.steps}

    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss`, in nats per pixel, `mse`, `discriminator` and `generator`, each `(N,)`."""
        codes = networks.model.encode(inputs)
        return (
            _reconstruction(networks.model, codes, images)
            | self._discriminator_loss(networks, codes, noise)
            | _generator_loss(networks, codes)
        )

    def update(
        self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        """Take the steps in order, and return the terms of each; see `Objective.update`."""
        if self.generator_weight is not None:
            return self._update_together(networks, inputs, images, noise, step)
        autoencoder = _reconstruction(networks.model, networks.model.encode(inputs), images)
        step("autoencoder", autoencoder["loss"])
        # The discriminator's step does not change the encoder, so both steps share these codes.
        codes = networks.model.encode(inputs)
        discriminator = self._discriminator_loss(networks, codes.detach(), noise)
        step(DISCRIMINATOR, discriminator[DISCRIMINATOR])
        generator = _generator_loss(networks, codes)
        step("generator", generator["generator"])
        return autoencoder | discriminator | generator

    def _update_together(
        self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        assert self.generator_weight is not None
        codes = networks.model.encode(inputs)
        autoencoder = _reconstruction(networks.model, codes, images)
        generator = _generator_loss(networks, codes)
        step("autoencoder", autoencoder["loss"] + self.generator_weight * generator["generator"])
        discriminator = self._discriminator_loss(networks, codes.detach(), noise)
        step(DISCRIMINATOR, discriminator[DISCRIMINATOR])
        return autoencoder | discriminator | generator

    def _discriminator_loss(self, networks: Networks, codes: Tensor, noise: Noise) -> Terms:
        prior = self.prior.prior(networks.model, networks.objective)
        real = discriminate(networks, prior.draw(codes.shape, noise).to(codes.device))
        fake = discriminate(networks, codes)
        return {DISCRIMINATOR: F.softplus(-real) + F.softplus(fake)}


def discriminate(networks: Networks, codes: Tensor) -> Tensor:
    """Return the logits `(N,)` of the probability that codes `(N, *latent_shape)` are real."""
    return networks.objective[DISCRIMINATOR](codes.flatten(1)).squeeze(1).float()


def _reconstruction(model: Autoencoder, codes: Tensor, images: Tensor) -> Terms:
    return reconstruction("bce", model.decode(codes).float(), images)


def _generator_loss(networks: Networks, codes: Tensor) -> Terms:
    return {"generator": F.softplus(-discriminate(networks, codes))}
