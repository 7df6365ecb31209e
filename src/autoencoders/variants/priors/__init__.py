"""The registry of priors, by their `kind` in params.yaml."""

from collections.abc import Callable

from autoencoders.variants.priors.base import PriorFamily
from autoencoders.variants.priors.mixture import Mixture, Vamp
from autoencoders.variants.priors.standard_normal import StandardNormal

PRIORS: dict[str, Callable[..., PriorFamily]] = {
    "standard_normal": StandardNormal,
    "gaussian_mixture": Mixture,
    "vamp": Vamp,
}
