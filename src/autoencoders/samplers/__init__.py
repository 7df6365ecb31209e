"""The samplers, by the name that params.yaml, metrics and figures call them."""

from typing import Literal, TypeAlias

from autoencoders.samplers.base import Sampler
from autoencoders.samplers.gaussian import GaussianSampler
from autoencoders.samplers.mixture import MixtureSampler
from autoencoders.samplers.prior import PriorSampler

SamplerName: TypeAlias = Literal["prior", "gaussian", "mixture"]
SAMPLERS: dict[str, type[Sampler]] = {
    "prior": PriorSampler,
    "gaussian": GaussianSampler,
    "mixture": MixtureSampler,
}
