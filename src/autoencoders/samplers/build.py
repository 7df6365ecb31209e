"""Samplers for a variant: made with what they take, and fitted to its codes."""

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
    """Return a sampler, given what of `settings` it takes; None where it lacks a prior."""
    constructor: Callable[..., Sampler] = SAMPLERS[name]
    if SAMPLERS[name].needs_prior and prior is None:
        return None
    given = {"prior": prior, **settings}
    taken = signature(constructor).parameters
    return constructor(**{key: value for key, value in given.items() if key in taken})


def fit_sampler(name: str, trained: Trained, codes: int, components: int) -> Sampler | None:
    """Return a sampler of a variant's codes, ready to draw; None where there is nothing to draw.

    One that learns from codes is fitted to those of the first `codes` training images: of one image
    there is none, which is said. A mixture has `components`.
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
