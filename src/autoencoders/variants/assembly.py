"""Assembly of a variant from its three parts, for images of one shape."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from autoencoders.components import Component, OneOf, Strict
from autoencoders.param_types import ImageShape, Initialization
from autoencoders.randomness import seeded_initialisation
from autoencoders.variants.inputs import INPUTS, Input
from autoencoders.variants.models import MODELS
from autoencoders.variants.models.base import Autoencoder, initialize_kaiming
from autoencoders.variants.objectives import OBJECTIVES
from autoencoders.variants.objectives.base import Networks, Objective, Perceive
from autoencoders.variants.priors import PRIORS
from autoencoders.variants.priors.base import PriorFamily

InputEntry: TypeAlias = Annotated[Component, OneOf(INPUTS)]
ModelEntry: TypeAlias = Annotated[Component, OneOf(MODELS)]
ObjectiveEntry: TypeAlias = Annotated[Component, OneOf(OBJECTIVES, {PriorFamily: PRIORS})]


class Parts(Strict):
    """A variant's entries in params.yaml: input × model × objective."""

    input: InputEntry
    model: ModelEntry
    objective: ObjectiveEntry


@dataclass(frozen=True, eq=False)
class Assembled:
    """A variant with its networks; both shapes are `(C, H, W)`."""

    input: Input
    objective: Objective
    networks: Networks
    input_shape: ImageShape
    image_shape: ImageShape

    @property
    def model(self) -> Autoencoder:
        """Return the autoencoder."""
        return self.networks.model


def assemble(
    parts: Parts,
    image_shape: ImageShape,
    seed: int = 0,
    name: str = "",
    initialization: Initialization = "default",
    perceive: Perceive | None = None,
) -> Assembled:
    """Return a variant for images `(C, H, W)`, with untrained networks.

    The weights depend only on `seed` and `name`, `<dataset>/<variant>`. `perceive` is needed only
    to train an objective that learns from a classifier. To check whether the parts fit, call this
    function under `torch.device("meta")`, where it takes no memory and little time.

    Raises:
        ValueError: the parts do not fit the images or each other; the message says why.
    """
    input: Input = parts.input.build()
    input_shape = input.shape(image_shape)
    with seeded_initialisation(seed, f"{name}/initialisation"):
        model: Autoencoder = parts.model.build(input_shape=input_shape, image_shape=image_shape)
        # An input without yardsticks is the clean image, which this model would only copy.
        if model.latent_holds_input and not input.yardsticks():
            raise ValueError(
                f"input: found {parts.input.kind}; allowed for the {parts.model.kind} model: a "
                "noisy or a downsampled input"
            )
        objective: Objective = parts.objective.build(
            input_shape=input_shape, latent_shape=model.latent_shape, perceive=perceive
        )
        objective.check(model)
        networks = Networks(model, objective.networks())
        if initialization == "kaiming":
            initialize_kaiming(model)
    return Assembled(input, objective, networks, input_shape, image_shape)
