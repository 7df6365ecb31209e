"""The settings of the evaluation in params.yaml."""

from pydantic import Field

from autoencoders.components import Strict
from autoencoders.param_types import AtLeastTwo, Count, Counts, Levels, SamplerName


class Evaluation(Strict):
    """The keys under `evaluation`; comments in params.yaml describe them."""

    batch_size: Count
    elbo_draws: Count
    iwae_samples: Count
    iwae_images: Count = 2000
    nll_samples: Count = 1000
    nll_images: Count = 10_000
    samplers: list[SamplerName] = Field(["prior"])
    fitted_codes: AtLeastTwo = 10_000
    mixture_components: Count = 10
    noise_levels: Levels
    noise_images: Count
    knn_neighbours: Count
    label_counts: Counts
    label_draws: AtLeastTwo
