"""A variant's latents, to be walked through: which of their numbers, between which bounds."""

from dataclasses import dataclass

import torch
from torch import Tensor

from autoencoders.errors import UserError
from autoencoders.figures.latent_experiments import perturbations
from autoencoders.figures.plots.latents import class_colours
from autoencoders.images.picture import Floats, Picture, UnusableImage, to_encoder_input
from autoencoders.trained.variant import Trained

SHOWN = 600  # training images whose codes are shown
SLIDERS, STEPS = 8, 7  # dimensions to move, and where each is tried
INNER = (0.005, 0.995)  # shares of the prior, or of the codes, between which to walk
WITHOUT_CODES = 3.0  # to each side of 0, where neither a prior nor codes say more


@dataclass(frozen=True)
class Axis:
    """A number of the latent, and between which values to move it."""

    index: int
    low: float
    high: float


@dataclass(frozen=True)
class Codes:
    """What the encoder makes of training images: latents `(N, D)`, and their classes `(N,)`.

    Each class has a name, and the colour that the report has for it.
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
        axes: what to move: both numbers of a plane, or those that change the image most.
        start: a latent to start from, `(D,)`.
        codes: of training images; None where there are no prepared ones.
    """

    trained: Trained
    axes: tuple[Axis, ...]
    start: tuple[float, ...]
    codes: Codes | None

    def decode(self, latent: list[float]) -> Picture:
        """Return the image of a latent, `(D,)`.

        Raises:
            UnusableImage: it is so far out that the decoder makes no finite numbers of it.
        """
        made = self.trained.decode(torch.tensor([latent]))[0]
        if not made.isfinite().all():
            raise UnusableImage(
                "the decoder gives no image for values this large: use smaller values"
            )
        planes: Floats = made.numpy()
        return Picture(planes)

    @torch.no_grad()
    def encode(self, picture: Picture, resize: bool) -> list[float]:
        """Return the latent of a picture of the trained size, or one that is resampled to it.

        Raises:
            WrongSize: it is of another size, and not to be resampled.
        """
        planes = to_encoder_input(picture, self.trained.input_shape, resize)
        batch = torch.from_numpy(planes)[None].to(self.trained.device)
        latent: list[float] = self.trained.model.encode(batch)[0].tolist()
        return latent


def create_explorer(trained: Trained) -> Explorer | str:
    """Return what there is to walk through of a trained variant, or why there is nothing."""
    if trained.latent_holds_input:
        return "a part of this variant's latents is the image that it is given"
    if len(trained.latent_shape) > 1:
        shape = "×".join(map(str, trained.latent_shape))
        return f"this variant's latents are feature maps, of {shape} numbers"
    codes = _codes(trained)
    low, high = _bounds(trained, codes)
    start = (low + high) / 2 if codes is None else codes.latents[0]
    indices = [0, 1]
    if trained.latent_size != 2:
        steps = torch.linspace(-1, 1, STEPS)
        moved = perturbations(trained.decode, start, (high - low) / 2, steps, SLIDERS)
        indices = [one.index[0] for one in moved]
    axes = tuple(Axis(i, low[i].item(), high[i].item()) for i in indices)
    return Explorer(trained, axes, tuple(start.tolist()), codes)


def _codes(trained: Trained) -> Codes | None:
    """Return the codes of the first training images; None where they are not prepared."""
    try:
        classes, names = trained.data.labels("train"), trained.data.metadata.class_names
    except UserError:
        return None
    colours = class_colours(classes.numpy(), len(names))
    latents = trained.codes("train", SHOWN)
    return Codes(latents, tuple(classes[:SHOWN].tolist()), names, tuple(colours))


def _bounds(trained: Trained, codes: Codes | None) -> tuple[Tensor, Tensor]:
    """Return the lowest and the highest value of each number of a latent, both `(D,)`."""
    if trained.prior is not None:
        low, high = trained.prior.quantiles(torch.tensor(INNER, dtype=torch.float64)).float()
        return low.repeat(trained.latent_size), high.repeat(trained.latent_size)
    if codes is None:
        high = torch.full((trained.latent_size,), WITHOUT_CODES)
        return -high, high
    low, high = codes.latents.quantile(torch.tensor(INNER), dim=0)
    flat = (low == high) * WITHOUT_CODES  # where no code differs, there is something to move yet
    return low - flat, high + flat
