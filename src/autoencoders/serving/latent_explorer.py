"""The latent space of a variant for the page: the dimensions with sliders, and their bounds."""

from dataclasses import dataclass

import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.figures.latent_experiments import perturbations
from autoencoders.figures.plots.latents import class_colours
from autoencoders.images.picture import Floats, Picture, UnusableImage, to_encoder_input
from autoencoders.trained.variant import Trained

CODES = 600  # number of training images whose codes are plotted
SLIDERS, STEPS = 8, 7  # dimensions with a slider, and test values of each dimension
QUANTILES = (0.005, 0.995)  # of the prior, or of the codes: the bounds of an axis
DEFAULT_BOUND = 3.0  # bounds are -3 and 3 without a prior and without codes


@dataclass(frozen=True)
class Axis:
    """A dimension of the latent vector, by its index from 0, and its bounds."""

    index: int
    low: float
    high: float


@dataclass(frozen=True)
class Codes:
    """The latents `(N, D)` of training images, with their classes `(N,)`.

    Each class has a name, and the same colour as in the report.
    """

    latents: Tensor
    classes: tuple[int, ...]
    class_names: tuple[str, ...]
    colours: tuple[str, ...]


@dataclass(frozen=True)
class Explorer:
    """A trained variant whose latents are vectors.

    Attributes:
        trained: the variant.
        axes: both dimensions of a plane, or the dimensions that change the image most.
        start: the first latent, `(D,)`.
        codes: the codes of training images; None without prepared images.
    """

    trained: Trained
    axes: tuple[Axis, ...]
    start: tuple[float, ...]
    codes: Codes | None

    def decode(self, latent: list[float]) -> Picture:
        """Return the image of a latent `(D,)`: planes `(C, H, W)`, float32 in [0, 1].

        Raises:
            UnusableImage: the values are so large that the output of the decoder is not finite.
        """
        output = self.trained.decode(torch.tensor([latent]))[0]
        if not output.isfinite().all():
            raise UnusableImage(
                "the decoder has no finite output for this latent: use smaller values"
            )
        planes: Floats = output.numpy()
        return Picture(planes)

    @torch.no_grad()
    def encode(self, picture: Picture, resize: bool) -> list[float]:
        """Return the latent `(D,)` of a picture of the trained size, or resampled to it.

        Raises:
            WrongSize: the picture has another size, and `resize` is false.
        """
        planes = to_encoder_input(picture, self.trained.input_shape, resize)
        batch = torch.from_numpy(planes)[None].to(self.trained.device)
        latent: list[float] = self.trained.model.encode(batch)[0].tolist()
        return latent


def create_explorer(trained: Trained) -> Explorer | str:
    """Return the explorer of a variant's latent space, or the reason why it has none."""
    if trained.latent_holds_input:
        return "the latents of this variant contain the input image"
    if len(trained.latent_shape) > 1:
        shape = "×".join(map(str, trained.latent_shape))
        return f"the latents of this variant are feature maps of {shape} numbers, not vectors"
    codes = _codes(trained)
    low, high = _bounds(trained, codes)
    start = (low + high) / 2 if codes is None else codes.latents[0]
    indices = [0, 1]
    if trained.latent_size != 2:
        steps = torch.linspace(-1, 1, STEPS)
        strongest = perturbations(trained.decode, start, (high - low) / 2, steps, SLIDERS)
        indices = [dimension.index[0] for dimension in strongest]
    axes = tuple(Axis(i, low[i].item(), high[i].item()) for i in indices)
    return Explorer(trained, axes, tuple(start.tolist()), codes)


def _codes(trained: Trained) -> Codes | None:
    """Return the codes of the first training images; None if the images are not prepared."""
    try:
        classes, names = trained.data.labels("train"), trained.data.metadata.class_names
    except UserError:
        return None
    colours = class_colours(classes.numpy(), len(names))
    latents = trained.codes("train", CODES)
    return Codes(latents, tuple(classes[:CODES].tolist()), names, tuple(colours))


def _bounds(trained: Trained, codes: Codes | None) -> tuple[Tensor, Tensor]:
    """Return the lower and the upper bounds of the latent dimensions, both `(D,)`."""
    if trained.prior is not None:
        low, high = trained.prior.quantiles(torch.tensor(QUANTILES, dtype=torch.float64)).float()
        return low.repeat(trained.latent_size), high.repeat(trained.latent_size)
    if codes is None:
        high = torch.full((trained.latent_size,), DEFAULT_BOUND)
        return -high, high
    low, high = codes.latents.quantile(torch.tensor(QUANTILES), dim=0)
    margin = (low == high) * DEFAULT_BOUND  # for dimensions in which all codes are equal
    return low - margin, high + margin
