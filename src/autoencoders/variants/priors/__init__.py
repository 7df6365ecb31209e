"""The registry of priors, by their `kind` in params.yaml."""

from collections.abc import Callable

from autoencoders.variants.priors.base import Prior
from autoencoders.variants.priors.standard_normal import StandardNormal

PRIORS: dict[str, Callable[..., Prior]] = {
    "standard_normal": StandardNormal,
}
