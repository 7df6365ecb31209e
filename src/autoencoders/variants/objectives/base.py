"""Base class of the objectives, and the networks that they train.

Every term is one value per image, `(N,)` float32; only the training loop averages them. Validation
selects the best weights by `loss`. Every objective also has `mse`, to compare objectives in a plot.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from torch import Tensor, nn

from autoencoders.param_types import Likelihood
from autoencoders.randomness import Noise
from autoencoders.variants.models.base import Autoencoder
from autoencoders.variants.priors.base import Prior, PriorFamily

Terms = dict[str, Tensor]
Step = Callable[[str, Tensor], None]
Perceive = Callable[[Tensor], list[Tensor]]  # images `(N, C, H, W)` → feature maps `(N, …)`


class Networks(nn.Module):
    """A model and the networks of its objective; they are trained, averaged and saved together.

    Attributes:
        model: the autoencoder.
        objective: the objective's networks by name, such as a discriminator.
    """

    model: Autoencoder

    def __init__(self, model: Autoencoder, objective: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.model = model
        self.objective = nn.ModuleDict(objective)


class Objective(ABC):
    """Loss terms and updates. An objective has settings only; its methods receive the networks.

    Attributes:
        steps: the names of an update's steps. Each step has an optimiser.
        prior: the prior that params.yaml selects; None if there is none.
        likelihood: the distribution p(x|z) of the reconstruction term; None if there is none.
        units: the units of the terms for figures, for terms that have a unit.
        learns_posterior: whether it trains a posterior, so that the model must have one.
    """

    steps: tuple[str, ...] = ("model",)
    units: ClassVar[dict[str, str]] = {}
    learns_posterior: ClassVar[bool] = False
    prior: PriorFamily | None = None
    likelihood: Likelihood | None = None

    def check(self, model: Autoencoder) -> None:
        """Raise a `ValueError` if `model` cannot or should not train with this objective."""
        name = type(self).__name__.lower()
        if self.learns_posterior and not model.has_posterior:
            raise ValueError(
                f"objective: found {name} with a model that is not variational; allowed: a "
                "variational model such as mlp_vae, or another objective"
            )
        if model.has_posterior and not self.learns_posterior:
            raise ValueError(
                f"objective: found {name} with a variational model, whose log-variance it never "
                "trains; allowed: variational, or a model such as mlp_ae that is not variational"
            )

    def networks(self) -> dict[str, nn.Module]:
        """Return new networks of the objective by name, drawn from torch's global generator."""
        return self.prior.networks() if self.prior else {}

    def prior_of(self, networks: Networks) -> Prior | None:
        """Return the distribution that the latents are trained to follow; None if there is none."""
        return self.prior.prior(networks.model, networks.objective) if self.prior else None

    @abstractmethod
    def terms(self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise) -> Terms:
        """Return the loss terms of a batch, each `(N,)`.

        `inputs` are the encoder input, `(N, *input_shape)`. `images` are the target of the
        reconstruction, `(N, *image_shape)`, float32 in [0, 1].
        """

    def parameter_groups(self, networks: Networks) -> dict[str, list[nn.Parameter]]:
        """Return the parameters that each step updates: all, unless overridden."""
        return {"model": list(networks.parameters())}

    def update(
        self, networks: Networks, inputs: Tensor, images: Tensor, noise: Noise, step: Step
    ) -> Terms:
        """Update the networks on one batch, and return its terms; arguments are as in `terms`.

        Unless overridden, an update is one step on `loss`. `step(name, losses)` averages `losses`
        `(N,)` and takes one step of the optimiser `name`.
        """
        terms = self.terms(networks, inputs, images, noise)
        step("model", terms["loss"])
        return terms
