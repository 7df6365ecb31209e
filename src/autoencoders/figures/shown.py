"""What a variant's figures are drawn from."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from autoencoders import randomness
from autoencoders.evaluation.pairs import encoded, first_pairs, pairs
from autoencoders.keys import Bytes
from autoencoders.lazy import Tensor, torch
from autoencoders.randomness import Noise
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.inputs import Input

if TYPE_CHECKING:
    import pandas as pd

ENCODING_BATCH = 250


@dataclass(frozen=True)
class Shown:
    """A trained variant, its history and its metrics, and the images to draw it with.

    Attributes:
        title: of the dataset and the variant, for the figures' titles.
        assembled: the variant, its networks frozen and on `device`.
        history: one row per epoch.
        train: the training images, uint8 `(N, C, H, W)`.
        test: the test images.
        labels: the test images' classes, `(N,)`.
        class_names: of the dataset.
        measured: the metrics file's content.
        seed: what all noise derives from.
        device: where networks compute.
    """

    title: str
    assembled: Assembled
    history: "pd.DataFrame"
    train: Tensor
    test: Tensor
    labels: Bytes
    class_names: tuple[str, ...]
    measured: dict[str, Any]
    seed: int
    device: "torch.device"

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Return the shape of one image's latent."""
        return self.assembled.model.latent_shape

    @property
    def latent_size(self) -> int:
        """Return how many numbers a latent has."""
        return prod(self.latent_shape)

    @cached_property
    def codes(self) -> Tensor:
        """Return the latents of all test images, `(N, *latent_shape)`, on the CPU."""
        return self._encoded(self.test, "test")

    def train_codes(self, count: int) -> Tensor:
        """Return the latents of the first training images, on the CPU."""
        return self._encoded(self.train[:count], "train")

    def first(self, count: int, input: Input | None = None) -> tuple[Tensor, Tensor]:
        """Return what the encoder sees of the first test images, and the images, on the device.

        With another `input`, what that gives, with the same noise.
        """
        seen = input or self.assembled.input
        return first_pairs(seen, self.test, self.seed, "test", count, self.device)

    def predict(self, seen: Tensor) -> npt.NDArray[np.float32]:
        """Return the network's images of what the encoder sees."""
        return array(self.assembled.model(seen))

    def decode(self, latents: Tensor) -> Tensor:
        """Return the images `(N, C, H, W)` of latents `(N, *latent_shape)`, on the CPU."""
        return self.assembled.model.decode(latents.to(self.device)).sigmoid().cpu()

    def noise(self, name: str) -> Noise:
        """Return fresh noise for one figure."""
        return randomness.noise(self.seed, f"figures/{name}")

    def _encoded(self, images: Tensor, split: str) -> Tensor:
        seen = pairs(self.assembled.input, images, self.seed, split, ENCODING_BATCH, self.device)
        return encoded(self.assembled.model.encode, seen)


def array(images: Tensor) -> npt.NDArray[np.float32]:
    """Return a tensor as what is drawn."""
    drawn: npt.NDArray[np.float32] = images.cpu().numpy()
    return drawn
