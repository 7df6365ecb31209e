"""Construction of samplers, and fitting to the codes of a trained variant."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import torch

from autoencoders.errors import report_omission
from autoencoders.samplers import SAMPLERS
from autoencoders.samplers.base import Sampler
from autoencoders.trained.variant import Trained
from autoencoders.variants.priors.base import Prior


def build(name: str, prior: Prior | None, **settings: Any) -> Sampler | None:
    """Return the sampler with those settings that it takes; None if it lacks a needed `prior`."""
    constructor: Callable[..., Sampler] = SAMPLERS[name]
    if SAMPLERS[name].needs_prior and prior is None:
        return None
    available = {"prior": prior, **settings}
    parameters = signature(constructor).parameters
    return constructor(**{key: value for key, value in available.items() if key in parameters})


def fit_sampler(name: str, trained: Trained, codes: int, components: int) -> Sampler | None:
    """Return a sampler that is fitted to the codes of a variant's first `codes` training images.

    A mixture has `components` Gaussians. The result is None if the variant lacks a needed prior, if
    its latents contain the input, or, with a message, if there is only one training image.
    """
    sampler = build(name, trained.prior, components=components)
    if sampler is None or (sampler.needs_codes and trained.latent_holds_input):
        return None
    if not sampler.needs_codes:
        sampler.fit(torch.zeros(1, *trained.latent_shape))
    elif len(trained.data.images("train")) > 1:
        sampler.fit(trained.codes("train", codes))
    else:
        report_omission(
            f"samples from {sampler.title}", "it cannot be fitted to one training image"
        )
        return None
    return sampler
