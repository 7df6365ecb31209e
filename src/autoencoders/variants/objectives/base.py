"""How a network learns: the loss terms of a batch, and one update from them.

Every term is one value per image, `(N,)` float32; the training loop alone averages them. `loss` is
what validation selects the best weights by, `mse` is there for every objective, so that curves of
different objectives can share a plot.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from torch import Tensor, nn

from autoencoders.param_types import Likelihood
from autoencoders.randomness import Noise
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.priors.base import Prior

Terms = dict[str, Tensor]
Step = Callable[[str, Tensor], None]
Perceive = Callable[[Tensor], list[Tensor]]  # the feature maps of an image batch, each `(N, …)`


class Networks(nn.Module):
    """A model and the networks that its objective brings: trained, averaged and saved together.

    Attributes:
        model: the autoencoder.
        objective: the objective's own networks by name, such as a discriminator.
    """

    model: Autoencoder

    def __init__(self, model: Autoencoder, objective: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.model = model
        self.objective = nn.ModuleDict(objective)


class Objective(ABC):
    """One way to learn. It holds settings alone; what learns is handed to its methods.

    Attributes:
        steps: the names of an update's steps, each with an optimiser of its own.
        prior: what latents are drawn towards, so that its draws decode to images; None without.
        likelihood: what the reconstruction is the log-likelihood under; None where under nothing.
        units: the units of those of the terms that have one, for figures.
        learns_posterior: it learns a posterior's variance, and needs a model with one.
    """

    steps: ClassVar[tuple[str, ...]] = ("model",)
    units: ClassVar[dict[str, str]] = {}
    learns_posterior: ClassVar[bool] = False
    prior: Prior | None = None
    likelihood: Likelihood | None = None

    def check(self, model: Autoencoder) -> None:
        """Raise a `ValueError` that says why `model` cannot or should not learn this way."""
        name = type(self).__name__.lower()
        if self.learns_posterior and not model.has_posterior:
            raise ValueError(f"the {name} objective needs a variational model")
        if model.has_posterior and not self.learns_posterior:
            raise ValueError(
                f"the {name} objective never trains a variational model's log-variance: "
                "use the variational objective, or a plain model"
            )

    def networks(self) -> dict[str, nn.Module]:
        """Return the objective's own networks by name, drawn as a model's are."""
        return {}

    @abstractmethod
    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return the loss terms of a batch; `images` is what the decoder should give."""

    def parameter_groups(self, networks: Networks) -> dict[str, list[nn.Parameter]]:
        """Return what each of `steps` moves: all of the model's parameters, unless overridden."""
        return {"model": list(networks.model.parameters())}

    def update(
        self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        """Learn from one batch and return its terms: one step down the loss, unless overridden.

        `step(name, losses)` averages `losses` `(N,)`, and moves the optimiser called `name`.
        """
        terms = self.terms(networks, inputs, images, noise)
        step("model", terms["loss"])
        return terms
