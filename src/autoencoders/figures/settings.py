"""What the figures take from params.yaml."""

from autoencoders.components import Strict
from autoencoders.param_types import AtLeastTwo, Count


class Figures(Strict):
    """How much the figures show; params.yaml says what each key is."""

    images: Count
    manifold_steps: AtLeastTwo
    perturbed_dimensions: Count
    perturbation_steps: AtLeastTwo
    interpolated_pairs: Count
    fitted_codes: AtLeastTwo
    mixture_components: Count
