"""Encoder inputs that a visitor may choose, and how a drawing becomes one. It needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoencoders import ready
from autoencoders.images.picture import Picture, to_floats
from autoencoders.param_types import ImageShape
from autoencoders.site import packaged_images
from autoencoders.site.drawing import (
    DRAWN_SHAPE,
    apply_input,
    choose_examples,
    encoder_input,
)


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
    planes = apply_input(to_floats(chosen), drawing)
    return Examples(tuple(Picture(image) for image in planes), drawing)


def drawing_for(image_shape: ImageShape, input: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return `encoder_input` of a network for grey images of 28×28 pixels, and None for others."""
    return encoder_input(input) if image_shape == DRAWN_SHAPE else None
