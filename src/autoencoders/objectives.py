"""How a network learns: the loss terms of a batch, and one update from them.

Every term is one value per image, `(N,)` float32; the training loop alone averages them. `loss` is
what validation selects the best weights by, `mse` is there for every objective, so that curves of
different objectives can share a plot.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import prod
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from annotated_types import Ge, Gt, MinLen
from torch import Tensor, nn

from autoencoders.models.base import Autoencoder, VariationalAutoencoder
from autoencoders.models.mlp import mlp
from autoencoders.randomness import Noise

Terms = dict[str, Tensor]
Step = Callable[[str, Tensor], None]
Perceive = Callable[[Tensor], list[Tensor]]


class Objective(nn.Module, ABC):
    """One way to learn. Its own networks, if it has any, are its parameters.

    Attributes:
        has_prior: latents are drawn towards a standard normal, so that its draws decode to images.
    """

    has_prior: ClassVar[bool]

    @abstractmethod
    def check(self, model: Autoencoder) -> None:
        """Raise a `ValueError` that says why `model` cannot or should not learn this way."""

    @abstractmethod
    def terms(self, model: Autoencoder, seen: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return the loss terms of a batch; `images` is what the decoder should give."""

    def parameter_groups(self, model: Autoencoder) -> dict[str, list[nn.Parameter]]:
        """Return what each of the update's optimisers moves, by the optimiser's name.

        All of the model's parameters as one group, unless an objective says otherwise.
        """
        return {"model": list(model.parameters())}

    def update(
        self,
        model: Autoencoder,
        seen: Tensor,
        images: Tensor,
        noise: Noise,
        step: Step,
    ) -> Terms:
        """Learn from one batch and return its terms: one step down the loss, unless overridden.

        `step(name, losses)` averages `losses` `(N,)`, and moves the optimiser called `name`.
        """
        terms = self.terms(model, seen, images, noise)
        step("model", terms["loss"])
        return terms


class Reconstruction(Objective):
    """Give back the image: binary cross-entropy or squared error, the mean over pixels."""

    has_prior = False

    def __init__(self, loss: Literal["bce", "mse"]) -> None:
        super().__init__()
        self.loss = loss

    def check(self, model: Autoencoder) -> None:
        """Refuse a variational model: the gradient would never reach its log-variance."""
        _refuse_variational(model, "reconstruction")

    def terms(self, model: Autoencoder, seen: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss`, in nats or squared intensity per pixel."""
        logits = model.decode(model.encode(seen)).float()
        mse = squared_error(logits, images).mean(1)
        return {"loss": cross_entropy(logits, images).mean(1) if self.loss == "bce" else mse} | {
            "mse": mse
        }


class Perceptual(Objective):
    """Give back what a frozen classifier sees in the image, and the image.

    The feature reconstruction loss of Johnson et al., arXiv 1603.08155, section 3.2, summed over
    the classifier's feature maps, and beside it a loss of the pixels, as Dosovitskiy & Brox,
    arXiv 1602.02644, have it.

    `perceive` returns an image batch's feature maps, each `(N, …)`. It is the pipeline's own
    classifier, no part of this module; without it nothing can be learnt, but all else be done.
    """

    has_prior = False

    def __init__(
        self,
        perceive: Perceive | None,
        pixel_loss: Literal["bce", "mse"],
        pixel_weight: Annotated[float, Ge(0)],
    ) -> None:
        super().__init__()
        self.perceive = perceive
        self.pixel_loss = pixel_loss
        self.pixel_weight = pixel_weight

    def check(self, model: Autoencoder) -> None:
        """Refuse a variational model: the gradient would never reach its log-variance."""
        _refuse_variational(model, "perceptual")

    def terms(self, model: Autoencoder, seen: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss` = `features` + pixel_weight · `pixels`.

        `features` is the sum over maps of the mean squared difference of their entries, `pixels`
        in nats or squared intensity per pixel.
        """
        assert self.perceive is not None
        logits = model.decode(model.encode(seen)).float()
        with torch.no_grad():
            wanted = self.perceive(images)
        found = self.perceive(logits.sigmoid())
        differences = [(a.float() - b.float()).square() for a, b in zip(found, wanted, strict=True)]
        features = torch.stack([squared.flatten(1).mean(1) for squared in differences]).sum(0)
        mse = squared_error(logits, images).mean(1)
        pixels = cross_entropy(logits, images).mean(1) if self.pixel_loss == "bce" else mse
        return {
            "loss": features + self.pixel_weight * pixels,
            "features": features,
            "pixels": pixels,
            "mse": mse,
        }


class Variational(Objective):
    """The negative evidence lower bound, one draw per image (Kingma & Welling, eq. 7 and 10).

    The reconstruction term is a sum over pixels, up to a constant -log p(x|z): of squared errors
    for a Gaussian of variance ½, of binary cross-entropies for a Bernoulli.
    """

    has_prior = True

    def __init__(self, likelihood: Literal["gaussian", "bernoulli"]) -> None:
        super().__init__()
        self.likelihood = likelihood

    def check(self, model: Autoencoder) -> None:
        """Refuse a model without a posterior."""
        if not isinstance(model, VariationalAutoencoder):
            raise ValueError("the variational objective needs a variational model")

    def terms(self, model: Autoencoder, seen: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss` = `reconstruction` + `kl`, in nats per image, the latent drawn once."""
        assert isinstance(model, VariationalAutoencoder)
        mean, log_variance = (part.float() for part in model.posterior(seen))
        logits = model.decode(draw(mean, log_variance, noise)).float()
        squared = squared_error(logits, images)
        bernoulli = self.likelihood == "bernoulli"
        reconstruction = (cross_entropy(logits, images) if bernoulli else squared).sum(1)
        kl = kl_to_standard_normal(mean, log_variance)
        return {
            "loss": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
            "mse": squared.mean(1),
        }


class Adversarial(Objective):
    """Reconstruct, with codes that a discriminator cannot tell from a standard normal.

    Makhzani et al., arXiv 1511.05644, section 2: per batch one reconstruction update, one of the
    discriminator (prior draws are real, codes are fake) and one of the encoder as generator.
    """

    has_prior = True

    def __init__(
        self,
        latent_shape: tuple[int, ...],
        discriminator_hidden: Annotated[list[Annotated[int, Gt(0)]], MinLen(1)],
    ) -> None:
        super().__init__()
        self.discriminator = mlp([prod(latent_shape), *discriminator_hidden, 1])

    def check(self, model: Autoencoder) -> None:
        """Refuse a variational model, and a latent that no training of the encoder can shape."""
        _refuse_variational(model, "adversarial")
        if model.latent_holds_input:
            raise ValueError(
                "the adversarial objective cannot draw a latent that holds the input itself "
                "towards a prior: use the reconstruction objective, or another model"
            )

    def parameter_groups(self, model: Autoencoder) -> dict[str, list[nn.Parameter]]:
        """Return the groups of the three updates; the encoder is in two of them."""
        return {
            "autoencoder": list(model.parameters()),
            "discriminator": list(self.discriminator.parameters()),
            "generator": list(model.encoder.parameters()),
        }

    def discriminate(self, codes: Tensor) -> Tensor:
        """Return the logits `(N,)` that codes `(N, *latent_shape)` are draws from the prior."""
        return self.discriminator(codes.flatten(1)).squeeze(1).float()

    def terms(self, model: Autoencoder, seen: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return `loss`, the reconstruction's in nats per pixel, and both sides of the game."""
        codes = model.encode(seen)
        return (
            self._reconstruction(model, codes, images)
            | self._discriminator_loss(codes, noise)
            | self._generator_loss(codes)
        )

    def update(
        self,
        model: Autoencoder,
        seen: Tensor,
        images: Tensor,
        noise: Noise,
        step: Step,
    ) -> Terms:
        """Take the three steps, each with what the steps before it have changed."""
        reconstruction = self._reconstruction(model, model.encode(seen), images)
        step("autoencoder", reconstruction["loss"])
        # The discriminator's step leaves the encoder as it is, so one forward serves both.
        codes = model.encode(seen)
        discriminator = self._discriminator_loss(codes.detach(), noise)
        step("discriminator", discriminator["discriminator"])
        adversary = self._generator_loss(codes)
        step("generator", adversary["generator"])
        return reconstruction | discriminator | adversary

    def _reconstruction(self, model: Autoencoder, codes: Tensor, images: Tensor) -> Terms:
        logits = model.decode(codes).float()
        return {
            "loss": cross_entropy(logits, images).mean(1),
            "mse": squared_error(logits, images).mean(1),
        }

    def _discriminator_loss(self, codes: Tensor, noise: Noise) -> Terms:
        real = self.discriminate(noise.normal(codes.shape).to(codes.device))
        fake = self.discriminate(codes)
        return {"discriminator": F.softplus(-real) + F.softplus(fake)}

    def _generator_loss(self, codes: Tensor) -> Terms:
        return {"generator": F.softplus(-self.discriminate(codes))}


def cross_entropy(logits: Tensor, images: Tensor) -> Tensor:
    """Return the binary cross-entropy of every pixel in nats, `(N, C·H·W)`."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="none").flatten(1)


def squared_error(logits: Tensor, images: Tensor) -> Tensor:
    """Return the squared error of every pixel, `(N, C·H·W)`."""
    return (logits.sigmoid() - images).square().flatten(1)


def kl_to_standard_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, exp(log_variance)) ‖ N(0, 1)) in nats, `(N,)`.

    Kingma & Welling, arXiv 1312.6114, appendix B: -½ Σ(1 + log σ² - μ² - σ²).
    """
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).flatten(1).sum(1)


def draw(mean: Tensor, log_variance: Tensor, noise: Noise) -> Tensor:
    """Return one draw from N(mean, exp(log_variance)) for every row, shaped as `mean`."""
    return mean + noise.normal(mean.shape).to(mean.device) * (log_variance / 2).exp()


def _refuse_variational(model: Autoencoder, objective: str) -> None:
    if isinstance(model, VariationalAutoencoder):
        raise ValueError(
            f"the {objective} objective never trains a variational model's log-variance: "
            "use the variational objective, or a plain model"
        )


OBJECTIVES: dict[str, Callable[..., Objective]] = {
    "reconstruction": Reconstruction,
    "perceptual": Perceptual,
    "variational": Variational,
    "adversarial": Adversarial,
}
