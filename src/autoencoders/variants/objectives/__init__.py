"""The registry of objectives, by their `kind` in params.yaml."""

from collections.abc import Callable

from autoencoders.variants.objectives.adversarial import Adversarial
from autoencoders.variants.objectives.base import Objective
from autoencoders.variants.objectives.perceptual import Perceptual
from autoencoders.variants.objectives.reconstruction import Reconstruction
from autoencoders.variants.objectives.variational import Variational
from autoencoders.variants.objectives.wasserstein import Wasserstein

OBJECTIVES: dict[str, Callable[..., Objective]] = {
    "reconstruction": Reconstruction,
    "perceptual": Perceptual,
    "variational": Variational,
    "adversarial": Adversarial,
    "wasserstein": Wasserstein,
}
