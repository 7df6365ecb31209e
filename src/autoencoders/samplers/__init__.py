"""The samplers, by the name that params.yaml, metrics and figures call them."""

from collections.abc import Callable
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from autoencoders.samplers.base import Sampler
from autoencoders.samplers.gaussian import GaussianSampler
from autoencoders.samplers.mixture import MixtureSampler
from autoencoders.samplers.prior import PriorSampler
from autoencoders.variants.priors import Prior

SAMPLERS: dict[str, type[Sampler]] = {
    "prior": PriorSampler,
    "gaussian": GaussianSampler,
    "mixture": MixtureSampler,
}

if TYPE_CHECKING:
    SamplerName: TypeAlias = str
else:
    SamplerName = Literal[tuple(SAMPLERS)]


def build(name: str, prior: Prior | None, **settings: Any) -> Sampler | None:
    """Return a sampler, given what of `settings` it takes; None where it lacks a prior."""
    constructor: Callable[..., Sampler] = SAMPLERS[name]
    if SAMPLERS[name].needs_prior and prior is None:
        return None
    given = {"prior": prior, **settings}
    taken = signature(constructor).parameters
    return constructor(**{key: value for key, value in given.items() if key in taken})
