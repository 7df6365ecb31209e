"""The priors, by the name that params.yaml calls them."""

from collections.abc import Callable

from autoencoders.variants.priors.base import Prior
from autoencoders.variants.priors.standard_normal import StandardNormal

PRIORS: dict[str, Callable[..., Prior]] = {
    "standard_normal": StandardNormal,
}
