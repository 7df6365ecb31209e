"""A variant's latents, to be walked through: which of their numbers, between which bounds."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from autoencoders import paths
from autoencoders.application import colour
from autoencoders.application.picture import Floats, Picture
from autoencoders.data.prepared import Prepared
from autoencoders.device import exact_device
from autoencoders.errors import UserError
from autoencoders.evaluation.pairs import encoded, pairs
from autoencoders.figures.latent_experiments import perturbations
from autoencoders.keys import ImageShape
from autoencoders.lazy import Tensor, torch, without_gradients
from autoencoders.pipeline import Item
from autoencoders.sources.pictures import Unfit
from autoencoders.trained import variant
from autoencoders.variants.assembly import Assembled

if TYPE_CHECKING:
    from autoencoders.variants.models.base import Autoencoder

SHOWN = 600  # training images whose codes are shown
BATCH = 250
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
        model: the autoencoder, on `device`.
        input_shape: of what it sees, `(C, H, W)`.
        axes: what to move: both numbers of a plane, or those that change the image most.
        start: a latent to start from, `(D,)`.
        codes: of training images; None where there are no prepared ones.
        device: where it computes.
    """

    model: "Autoencoder"
    input_shape: ImageShape
    axes: tuple[Axis, ...]
    start: tuple[float, ...]
    codes: Codes | None
    device: "torch.device"

    @without_gradients
    def decode(self, latent: list[float]) -> Picture:
        """Return the image of a latent, `(D,)`.

        Raises:
            Unfit: it is so far out that the decoder makes no finite numbers of it.
        """
        made = _decode(self.model, self.device, torch.tensor([latent]))[0]
        if not made.isfinite().all():
            raise Unfit("the decoder makes no image of numbers so large; allowed: smaller ones")
        planes: Floats = made.numpy()
        return Picture(planes)

    @without_gradients
    def encode(self, seen: Picture) -> list[float]:
        """Return the latent of a picture of the trained size."""
        planes = colour.matched(seen, self.input_shape[0])
        batch = torch.from_numpy(planes)[None].to(self.device)
        latent: list[float] = self.model.encode(batch)[0].tolist()
        return latent


def why_not(model: "Autoencoder") -> str | None:
    """Return why there is nothing to walk through; None where there is."""
    if model.latent_holds_input:
        return "a part of this variant's latents is the image that it is given"
    if len(model.latent_shape) > 1:
        shape = "×".join(map(str, model.latent_shape))
        return f"this variant's latents are feature maps, of {shape} numbers"
    return None


@without_gradients
def explorer(item: Item) -> Explorer | str:
    """Return what there is to walk through of a trained variant, or why there is nothing.

    Raises:
        UserError: it is not trained, or what was trained is damaged.
    """
    device = exact_device()
    folder = paths.model(item.dataset, item.variant)
    description, assembled = variant.load(folder, device)
    if reason := why_not(assembled.model):
        return reason
    codes = _codes(item.dataset, assembled, description.seed, device)
    low, high = _bounds(assembled, codes)
    start = (low + high) / 2 if codes is None else codes.latents[0]
    if len(start) == 2:
        chosen = [0, 1]
    else:
        moved = perturbations(
            lambda latents: _decode(assembled.model, device, latents),
            start,
            (high - low) / 2,
            torch.linspace(-1, 1, STEPS),
            SLIDERS,
        )
        chosen = [one.index[0] for one in moved]
    return Explorer(
        assembled.model,
        assembled.input_shape,
        tuple(Axis(i, low[i].item(), high[i].item()) for i in chosen),
        tuple(start.tolist()),
        codes,
        device,
    )


def _decode(model: "Autoencoder", device: "torch.device", latents: Tensor) -> Tensor:
    """Return the images `(N, C, H, W)` of latents `(N, D)`, on the CPU."""
    return model.decode(latents.to(device)).sigmoid().cpu()


def _codes(dataset: str, assembled: Assembled, seed: int, device: "torch.device") -> Codes | None:
    """Return the codes of the first training images; None where they are not prepared."""
    from autoencoders.report.planes import class_colours  # and matplotlib with it

    prepared = Prepared(paths.prepared(dataset))
    try:
        images = prepared.images("train")[:SHOWN]
        classes, names = prepared.labels("train"), prepared.metadata.class_names
    except UserError:
        return None
    seen = pairs(assembled.input, images, seed, "train", BATCH, device)
    latents = encoded(assembled.model.encode, seen)
    colours = class_colours(classes.byte().numpy(), len(names))
    return Codes(latents, tuple(classes[:SHOWN].tolist()), names, tuple(colours))


def _bounds(assembled: Assembled, codes: Codes | None) -> tuple[Tensor, Tensor]:
    """Return the lowest and the highest value of each number of a latent, both `(D,)`."""
    (size,) = assembled.model.latent_shape
    prior = assembled.objective.prior
    if prior is not None:
        low, high = prior.quantiles(torch.tensor(INNER, dtype=torch.float64)).float()
        return low.repeat(size), high.repeat(size)
    if codes is None:
        high = torch.full((size,), WITHOUT_CODES)
        return -high, high
    low, high = codes.latents.quantile(torch.tensor(INNER), dim=0)
    flat = (low == high) * WITHOUT_CODES  # where no code differs, there is something to move yet
    return low - flat, high + flat
