"""What every question of the evaluation is asked of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from math import prod
from typing import TYPE_CHECKING

from autoencoders import randomness
from autoencoders.evaluation import yardsticks
from autoencoders.evaluation.pairs import Pairs, Predict, encoded, pairs
from autoencoders.keys import Count
from autoencoders.lazy import Tensor, torch
from autoencoders.randomness import Noise
from autoencoders.variants.assembly import Assembled
from autoencoders.variants.inputs import Input

if TYPE_CHECKING:
    from autoencoders.trained.classifier import Judge
    from autoencoders.variants.models.base import Autoencoder

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Subject:
    """A trained variant, and the images that it is put to the test on.

    Attributes:
        assembled: the variant, its networks frozen and on `device`.
        input_kind: what params.yaml calls its input.
        images: of each split, uint8 `(N, C, H, W)`.
        labels: of each split, int64 `(N,)`.
        judge: the dataset's classifier and what it makes of the test images, on `device`; None
            where there is one class.
        seed: what all noise derives from.
        device: where networks compute.
        batch_size: how many images go through a network at a time; a key of params.yaml.
    """

    assembled: Assembled
    input_kind: str
    images: Mapping[str, Tensor]
    labels: Mapping[str, Tensor]
    judge: "Judge | None"
    seed: int
    device: "torch.device"
    batch_size: Count = field(kw_only=True)

    @property
    def model(self) -> "Autoencoder":
        """Return the autoencoder."""
        return self.assembled.model

    @property
    def latent_size(self) -> int:
        """Return how many numbers a latent has."""
        return prod(self.model.latent_shape)

    @property
    def input_size(self) -> int:
        """Return how many numbers the encoder sees of an image."""
        return prod(self.assembled.input_shape)

    @property
    def images_at_a_time(self) -> int:
        """Return how many images to make at a time: `batch_size`, or fewer if they are large."""
        from autoencoders.data.batches import images_at_a_time

        return images_at_a_time(self.assembled.image_shape, self.batch_size)

    def pairs(self, split: str, input: Input | None = None, count: int | None = None) -> Pairs:
        """Yield what the encoder sees beside the image, of the first `count` or all of a split.

        With another `input`, what that gives, with the same noise.
        """
        return pairs(
            input or self.assembled.input,
            self.images[split][:count],
            self.seed,
            split,
            self.batch_size,
            self.device,
        )

    def codes(self, split: str, count: int | None = None) -> Tensor:
        """Return the latents of the first `count` or all images of a split, on the CPU."""
        return encoded(self.model.encode, self.pairs(split, count=count))

    def noise(self, name: str) -> Noise:
        """Return fresh noise for a measurement on the test images; on the CPU, on every device."""
        return randomness.noise(self.seed, f"test/{name}")

    @cached_property
    def fitted(self) -> yardsticks.Fitted:
        """Return the yardsticks that are fitted to training images."""
        pairs = partial(self.pairs, "train")
        return yardsticks.fitted(pairs, len(self.images["train"]), self.latent_size)

    @property
    def yardsticks(self) -> dict[str, Predict]:
        """Return all ways to an image that need no network, by name."""
        return self.fitted.predictions | self.assembled.input.yardsticks()
