"""The registry of samplers, by their name in params.yaml, metrics and figures."""

from autoencoders.samplers.base import Sampler
from autoencoders.samplers.gaussian import GaussianSampler
from autoencoders.samplers.mixture import MixtureSampler
from autoencoders.samplers.prior import PriorSampler

SAMPLERS: dict[str, type[Sampler]] = {
    "prior": PriorSampler,
    "gaussian": GaussianSampler,
    "mixture": MixtureSampler,
}
