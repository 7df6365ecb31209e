"""The latent space and the example inputs of a variant of this repository, for the page."""

import torch
from torch import Tensor

from autoencoders.application.torch_network import trained_coder
from autoencoders.errors import UserError
from autoencoders.figures.latent_experiments import perturbations
from autoencoders.figures.plots.latents import class_colours
from autoencoders.images.picture import Floats, Picture
from autoencoders.ready import Axis
from autoencoders.serving.content import Codes, Examples, Explorer, drawing_for
from autoencoders.site.drawing import choose_examples
from autoencoders.trained.variant import Trained

CODES = 600  # number of training images whose codes are plotted
SLIDERS, STEPS = 8, 7  # dimensions with a slider, and test values of each dimension
QUANTILES = (0.005, 0.995)  # of the prior, or of the codes: the bounds of an axis
SEARCHED = 100  # test images in which examples of different classes are searched
DEFAULT_BOUND = 3.0  # bounds are -3 and 3 without a prior and without codes


def create_explorer(trained: Trained) -> Explorer | str:
    """Return the explorer of a variant's latent space, or the reason why it has none."""
    if trained.latent_holds_input:
        return "the latents of this variant contain the input image"
    if len(trained.latent_shape) > 1:
        shape = "×".join(map(str, trained.latent_shape))
        return f"the latents of this variant are feature maps of {shape} numbers, not vectors"
    codes = _codes(trained)
    low, high = _bounds(trained, codes)
    start = (low + high) / 2 if codes is None else torch.from_numpy(codes.latents[0])
    indices = [0, 1]
    if trained.latent_size != 2:
        steps = torch.linspace(-1, 1, STEPS)
        strongest = perturbations(trained.decode, start, (high - low) / 2, steps, SLIDERS)
        indices = [dimension.index[0] for dimension in strongest]
    axes = tuple(Axis(i, low[i].item(), high[i].item()) for i in indices)
    return Explorer(trained_coder(trained), axes, tuple(start.tolist()), codes)


def _codes(trained: Trained) -> Codes | None:
    """Return the codes of the first training images; None if the images are not prepared."""
    try:
        classes, names = trained.data.labels("train"), trained.data.metadata.class_names
    except UserError:
        return None
    colours = class_colours(classes.numpy(), len(names))
    latents: Floats = trained.codes("train", CODES).numpy()
    return Codes(latents, tuple(classes[:CODES].tolist()), names, tuple(colours))


def _bounds(trained: Trained, codes: Codes | None) -> tuple[Tensor, Tensor]:
    """Return the lower and the upper bounds of the latent dimensions, both `(D,)`."""
    if trained.prior is not None:
        low, high = trained.prior.quantiles(torch.tensor(QUANTILES, dtype=torch.float64)).float()
        return low.repeat(trained.latent_size), high.repeat(trained.latent_size)
    if codes is None:
        high = torch.full((trained.latent_size,), DEFAULT_BOUND)
        return -high, high
    low, high = torch.from_numpy(codes.latents).quantile(torch.tensor(QUANTILES), dim=0)
    margin = (low == high) * DEFAULT_BOUND  # for dimensions in which all codes are equal
    return low - margin, high + margin


def create_examples(trained: Trained) -> Examples:
    """Return the examples of a variant: test images as its encoder gets them, if prepared."""
    input = trained.description.variant.input.model_dump(mode="json")
    drawing = drawing_for(trained.image_shape, input)
    try:
        chosen = choose_examples(trained.data.labels("test")[:SEARCHED].tolist())
    except UserError:
        return Examples((), drawing)
    inputs, _ = trained.first_test_pairs(max(chosen) + 1)
    planes: Floats = inputs[chosen].clamp(0, 1).cpu().numpy()
    return Examples(tuple(Picture(image) for image in planes), drawing)
