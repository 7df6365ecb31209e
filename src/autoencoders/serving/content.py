"""The latent space and the example inputs of a network, for the page. It needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autoencoders import ready
from autoencoders.application.network import Coder
from autoencoders.application.onnx_network import ready_coder
from autoencoders.images.picture import Floats, Picture, UnusableImage, to_encoder_input, to_floats
from autoencoders.param_types import ImageShape
from autoencoders.ready import Axis
from autoencoders.site import packaged_images
from autoencoders.site.drawing import DRAWN_SHAPE, apply_input, choose_examples, encoder_input


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


@dataclass(frozen=True)
class Examples:
    """Examples of the encoder input, and `site.drawing.encoder_input`; None for other images."""

    pictures: tuple[Picture, ...] = ()
    drawing: dict[str, Any] | None = None


def ready_examples(name: str) -> Examples:
    """Return the examples of a ready network: test images of the package, as its encoder gets them.

    The package has test images for networks that get drawings.
    """
    card = ready.card(name)
    drawing = drawing_for(card.image_shape, card.params["variant"]["input"])
    shown = packaged_images.load(card.params["dataset"])
    if drawing is None or shown is None:
        return Examples((), drawing)
    chosen = shown.images[choose_examples(shown.classes)]
    planes = apply_input(to_floats(chosen), drawing).clip(0, 1)
    return Examples(tuple(Picture(image) for image in planes), drawing)


def drawing_for(image_shape: ImageShape, input: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return `encoder_input` of a network for grey images of 28×28 pixels, and None for others."""
    return encoder_input(input) if image_shape == DRAWN_SHAPE else None
