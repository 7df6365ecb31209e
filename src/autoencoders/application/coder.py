"""The encoder and the decoder of a trained network, on NumPy arrays. It needs no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

from autoencoders.images.picture import Floats
from autoencoders.param_types import ImageShape


@dataclass(frozen=True)
class Coder:
    """A trained network in two parts; images are in [0, 1].

    Attributes:
        input_shape: the `(C, H, W)` of an encoder input.
        latent_shape: the shape of one image's latent.
        encode: returns the latents `(N, *latent_shape)` of encoder inputs `(N, C, H, W)`; of a
            variational model the posterior means.
        decode: returns the images `(N, C, H, W)` of latents `(N, *latent_shape)`.
    """

    input_shape: ImageShape
    latent_shape: tuple[int, ...]
    encode: Callable[[Floats], Floats]
    decode: Callable[[Floats], Floats]

    @property
    def latent_size(self) -> int:
        """Return the number of entries of one latent."""
        return prod(self.latent_shape)
