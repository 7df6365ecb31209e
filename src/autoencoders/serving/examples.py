"""Encoder inputs that a visitor may choose, and how a drawing becomes one. It needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autoencoders import ready
from autoencoders.images.picture import Picture
from autoencoders.param_types import ImageShape
from autoencoders.site.drawing import DRAWN_SHAPE, encoder_input


@dataclass(frozen=True)
class Examples:
    """Examples of the encoder input, and `site.drawing.encoder_input`; None for other images."""

    pictures: tuple[Picture, ...] = ()
    drawing: dict[str, Any] | None = None


def ready_examples(name: str) -> Examples:
    """Return how a ready network gets a drawing; there are no test images in the package."""
    card = ready.card(name)
    return Examples((), drawing_for(card.image_shape, card.params["variant"]["input"]))


def drawing_for(image_shape: ImageShape, input: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return `encoder_input` of a network for grey images of 28×28 pixels, and None for others."""
    return encoder_input(input) if image_shape == DRAWN_SHAPE else None
