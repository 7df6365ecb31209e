"""A variant put together, in one place: its three parts, for images of one shape."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from autoencoders.components import Component, Strict, components
from autoencoders.keys import ImageShape, Initialization
from autoencoders.randomness import seeded_initialisation
from autoencoders.variants.inputs import INPUTS, Input
from autoencoders.variants.models import MODELS, ModelPlan
from autoencoders.variants.objectives import OBJECTIVES, Objective
from autoencoders.variants.objectives.base import Perceive
from autoencoders.variants.priors import PRIORS, Prior

if TYPE_CHECKING:
    from autoencoders.variants.networks.base import Autoencoder
    from autoencoders.variants.networks.together import Networks

    AnInput: TypeAlias = Component
    AModel: TypeAlias = Component
    AnObjective: TypeAlias = Component
else:
    AnInput = components(INPUTS)
    AModel = components(MODELS)
    AnObjective = components(OBJECTIVES, {Prior: PRIORS})


class Parts(Strict):
    """What the encoder sees × the network × what one update is, as params.yaml has them."""

    input: AnInput
    model: AModel
    objective: AnObjective


@dataclass(frozen=True)
class Plan:
    """A variant's parts for images of one shape, before any of it is a network."""

    input: Input
    model: ModelPlan
    objective: Objective
    input_shape: ImageShape
    image_shape: ImageShape


@dataclass(frozen=True)
class Assembled:
    """A variant with its networks: what is trained, evaluated and drawn."""

    plan: Plan
    networks: "Networks"

    @property
    def input(self) -> Input:
        """Return what makes an image into what the encoder sees."""
        return self.plan.input

    @property
    def objective(self) -> Objective:
        """Return what one update is."""
        return self.plan.objective

    @property
    def model(self) -> "Autoencoder":
        """Return the autoencoder."""
        return self.networks.model


def plan(parts: Parts, image_shape: ImageShape, perceive: Perceive | None = None) -> Plan:
    """Lay a variant out for images `(C, H, W)`; it takes no torch, and no time.

    `perceive` is what an objective that learns from a classifier needs to learn, and only then.

    Raises:
        ValueError: the parts do not fit the images or each other; the message says why.
    """
    seen: Input = parts.input.build()
    input_shape = seen.shape(image_shape)
    model: ModelPlan = parts.model.build(input_shape=input_shape, image_shape=image_shape)
    if model.latent_holds_input and not seen.yardsticks():  # no way back: it is the image itself
        raise ValueError(
            f"the {parts.model.kind} model adds to what it sees, and of a {parts.input.kind} input "
            "there is nothing to restore: give it a noisy or a downsampled one"
        )
    objective: Objective = parts.objective.build(latent_shape=model.latent_shape, perceive=perceive)
    objective.check(model)
    return Plan(seen, model, objective, input_shape, image_shape)


def assemble(plan: Plan, seed: int, name: str, initialization: Initialization) -> Assembled:
    """Return a planned variant with untrained networks.

    Their weights depend on `seed` and `name`, such as `mnist/conv`, alone.
    """
    from autoencoders.variants.networks.initialization import kaiming
    from autoencoders.variants.networks.together import Networks

    with seeded_initialisation(seed, f"{name}/initialisation"):
        networks = Networks(plan.model.network(), plan.objective.networks())
        if initialization == "kaiming":
            kaiming(networks.model)
    return Assembled(plan, networks)
