"""The settings `figures` of params.yaml."""

from autoencoders.components import Strict
from autoencoders.param_types import AtLeastTwo, Count


class Figures(Strict):
    """How many images, steps and codes the figures use; params.yaml explains each key."""

    images: Count
    manifold_steps: AtLeastTwo
    perturbed_dimensions: Count
    perturbation_steps: AtLeastTwo
    interpolated_pairs: Count
    fitted_codes: AtLeastTwo
    mixture_components: Count
