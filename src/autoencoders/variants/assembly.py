"""A variant put together, in one place: its three parts, for images of one shape."""

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
from autoencoders.variants.priors.base import Prior

InputEntry: TypeAlias = Annotated[Component, OneOf(INPUTS)]
ModelEntry: TypeAlias = Annotated[Component, OneOf(MODELS)]
ObjectiveEntry: TypeAlias = Annotated[Component, OneOf(OBJECTIVES, {Prior: PRIORS})]


class Parts(Strict):
    """What the encoder sees × the network × what one update is, as params.yaml has them."""

    input: InputEntry
    model: ModelEntry
    objective: ObjectiveEntry


@dataclass(frozen=True, eq=False)
class Assembled:
    """A variant with its networks: what is trained, evaluated and drawn."""

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
    """Return a variant for images `(C, H, W)` with untrained networks.

    Their weights depend on `seed` and `name`, such as `mnist/conv`, alone. `perceive` is what an
    objective that learns from a classifier needs to learn, and only then. To know whether the
    parts fit, call it under `torch.device("meta")`, where it takes neither memory nor time.

    Raises:
        ValueError: the parts do not fit the images or each other; the message says why.
    """
    seen: Input = parts.input.build()
    input_shape = seen.shape(image_shape)
    with seeded_initialisation(seed, f"{name}/initialisation"):
        model: Autoencoder = parts.model.build(input_shape=input_shape, image_shape=image_shape)
        if model.latent_holds_input and not seen.yardsticks():  # no way back: it is the image
            raise ValueError(
                f"the {parts.model.kind} model adds to what it sees, and of a {parts.input.kind} "
                "input there is nothing to restore: give it a noisy or a downsampled one"
            )
        objective: Objective = parts.objective.build(
            latent_shape=model.latent_shape, perceive=perceive
        )
        objective.check(model)
        networks = Networks(model, objective.networks())
        if initialization == "kaiming":
            initialize_kaiming(model)
    return Assembled(seen, objective, networks, input_shape, image_shape)
