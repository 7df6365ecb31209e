"""The latent space of a network for the page. It needs no torch."""

from dataclasses import dataclass

import numpy as np

from autoencoders import ready
from autoencoders.application.network import Coder
from autoencoders.application.onnx_network import ready_coder
from autoencoders.images.picture import Floats, Picture, UnusableImage, to_encoder_input
from autoencoders.ready import Axis


@dataclass(frozen=True)
class Codes:
    """The latents `(N, D)` of training images, with their classes `(N,)`.

    Each class has a name, and the same colour as in the report.
    """

    latents: Floats
    classes: tuple[int, ...]
    class_names: tuple[str, ...]
    colours: tuple[str, ...]


@dataclass(frozen=True)
class Explorer:
    """The latent vectors of a trained network.

    Attributes:
        coder: its encoder and decoder.
        axes: both dimensions of a plane, or the dimensions that change the image most.
        start: the first latent, `(D,)`.
        codes: the codes of training images; None without prepared images.
    """

    coder: Coder
    axes: tuple[Axis, ...]
    start: tuple[float, ...]
    codes: Codes | None

    def decode(self, latent: list[float]) -> Picture:
        """Return the image of a latent `(D,)`: planes `(C, H, W)`, float32 in [0, 1].

        Raises:
            UnusableImage: the values are so large that the output of the decoder is not finite.
        """
        (planes,) = self.coder.decode(np.array([latent], np.float32))
        if not np.isfinite(planes).all():
            raise UnusableImage(
                "the decoder has no finite output for this latent: use smaller values"
            )
        return Picture(planes)

    def encode(self, picture: Picture, resize: bool) -> list[float]:
        """Return the latent `(D,)` of a picture of the trained size, or resampled to it.

        Raises:
            WrongSize: the picture has another size, and `resize` is false.
        """
        planes = to_encoder_input(picture, self.coder.input_shape, resize)
        latent: list[float] = self.coder.encode(planes[None])[0].tolist()
        return latent


def ready_explorer(name: str) -> Explorer | str:
    """Return the explorer of a ready network's latents, or the reason why it has none."""
    latent = ready.card(name).latent
    if latent is None:
        return "the latents of this network contain the input image"
    return Explorer(ready_coder(name), latent.axes, latent.start, None)
