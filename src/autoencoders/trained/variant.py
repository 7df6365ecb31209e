"""A trained variant: as files, and loaded, for all that measures, draws, applies and serves it."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from pydantic import TypeAdapter
from torch import Tensor

from autoencoders import files, randomness
from autoencoders.datasets.batches import images_at_a_time
from autoencoders.datasets.prepared import Prepared
from autoencoders.device import CPU
from autoencoders.param_types import ImageShape
from autoencoders.paths import HISTORY, RECORD, WEIGHTS
from autoencoders.randomness import Noise
from autoencoders.trained import weights
from autoencoders.trained.pairs import Pairs, encode_pairs, pairs
from autoencoders.training.settings import Variant
from autoencoders.variants.assembly import Assembled, assemble
from autoencoders.variants.inputs import Input
from autoencoders.variants.objectives.base import Perceive
from autoencoders.variants.priors.base import Prior

BATCH = 250


@dataclass(frozen=True)
class Description:
    """What was trained on what: the resolved params beside the weights.

    `classifier_sha256` is of the classifier that the objective learns from; None where it does not.
    """

    dataset: str
    name: str
    seed: int
    source: str
    data_sha256: str
    image_shape: ImageShape
    variant: Variant
    classifier_sha256: str | None = None


ADAPTER = TypeAdapter(Description)


@dataclass(frozen=True, eq=False)
class Trained(Assembled):
    """A trained variant, and the images of its dataset; its networks are frozen, and on `device`.

    Attributes:
        description: what was trained on what.
        folder: where it lies.
        data: the dataset, whose files are opened when its images are first asked for.
        device: where networks compute.
        batch_size: how many images go through a network at a time, or fewer if they are large.
    """

    description: Description
    folder: Path
    data: Prepared
    device: torch.device = CPU
    batch_size: int = BATCH

    @property
    def name(self) -> str:
        """Return `<dataset>/<variant>`."""
        return f"{self.description.dataset}/{self.description.name}"

    @property
    def title(self) -> str:
        """Return the dataset's title and the variant's name."""
        return f"{self.data.metadata.title}, {self.description.name}"

    @property
    def prior(self) -> Prior | None:
        """Return what latents were drawn towards; None without."""
        return self.objective.prior

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Return the shape of one image's latent."""
        return self.model.latent_shape

    @property
    def latent_size(self) -> int:
        """Return how many numbers a latent has."""
        return prod(self.latent_shape)

    @property
    def latent_holds_input(self) -> bool:
        """Return whether a latent contains the encoder's input."""
        return self.model.latent_holds_input

    @property
    def images_at_a_time(self) -> int:
        """Return how many images to make at a time: `batch_size`, or fewer if they are large."""
        return images_at_a_time(self.image_shape, self.batch_size)

    def noise(self, name: str) -> Noise:
        """Return fresh noise for the purpose called `name`; on the CPU, on every device."""
        return randomness.noise(self.description.seed, name)

    def pairs(self, split: str, count: int | None = None, input: Input | None = None) -> Pairs:
        """Yield what the encoder sees beside the image, of the first `count` or all of a split.

        With another `input`, what that gives, with the same noise.
        """
        return pairs(
            input or self.input,
            self.data.images(split)[:count],
            self.description.seed,
            split,
            self.batch_size,
            self.device,
        )

    def first_test_pairs(self, count: int, input: Input | None = None) -> tuple[Tensor, Tensor]:
        """Return the first `count` of the test images' `pairs` as one batch."""
        seen, images = zip(*self.pairs("test", count, input), strict=True)
        return torch.cat(seen), torch.cat(images)

    def codes(self, split: str, count: int | None = None) -> Tensor:
        """Return the latents of the first `count` or all images of a split, on the CPU."""
        return encode_pairs(self.model.encode, self.pairs(split, count))

    @cached_property
    def history(self) -> pd.DataFrame:
        """Return one row per epoch; see `load_history`."""
        return load_history(self.folder)

    @cached_property
    def test_codes(self) -> Tensor:
        """Return the latents `(N, *latent_shape)` of all test images, on the CPU."""
        return self.codes("test")

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Return the images `(N, C, H, W)` of latents `(N, *latent_shape)`, on the CPU."""
        return self.model.decode(latents.to(self.device)).sigmoid().cpu()


def build(description: Description, perceive: Perceive | None = None) -> Assembled:
    """Return the untrained variant; its weights depend on the seed and the names alone.

    `perceive` is what an objective that learns from a classifier needs to learn, and only then.
    """
    return assemble(
        description.variant,
        description.image_shape,
        description.seed,
        f"{description.dataset}/{description.name}",
        description.variant.training.initialization,
        perceive,
    )


def save(
    folder: Path, description: Description, assembled: Assembled, history: list[dict[str, float]]
) -> None:
    """Write the weights, the history and the resolved params into `folder`."""
    record = weights.record(ADAPTER, description)
    weights.save(folder / WEIGHTS, assembled.networks)
    with files.atomic_file(folder / HISTORY) as temporary:
        pd.DataFrame(history).to_csv(temporary, index=False)
    files.write_bytes(folder / RECORD, record)


def load(
    folder: Path, data: Prepared, device: torch.device = CPU, batch_size: int = BATCH
) -> Trained:
    """Return a trained variant, its networks in evaluation mode on `device`.

    Args:
        folder: where `save` has written.
        data: the dataset that it was trained on; nothing of it is read here.
        device: where the networks go.
        batch_size: how many images go through them at a time.

    Raises:
        UserError: a file is missing, or the weights do not fit the model.
    """
    description, assembled = weights.load(folder, ADAPTER, build, lambda one: one.networks)
    # Laid out as they are trained, networks evaluate 2 to 3 times faster.
    assembled.networks.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Trained(
        **vars(assembled),
        description=description,
        folder=folder,
        data=data,
        device=device,
        batch_size=batch_size,
    )


def load_history(folder: Path) -> pd.DataFrame:
    """Return one row per epoch, as `training.loop.fit` describes them.

    Raises:
        UserError: the file is missing or damaged.
    """
    with files.readable(folder / HISTORY) as path:
        history = pd.read_csv(files.read_lines(path))
        if list(history["epoch"]) != list(range(1, len(history) + 1)) or history.empty:
            raise ValueError("its epochs do not count from 1")
        if not {"validation_loss", "validation_mse"} <= {*history}:
            raise ValueError("it has no validation loss, or no validation MSE")
        if not np.isfinite(history.to_numpy(float)).all():
            raise ValueError("it has cells that are no finite numbers")
    return history


def best_epoch(history: pd.DataFrame) -> dict[str, float]:
    """Return the row of the epoch whose weights were kept: the lowest validation loss."""
    best = history["validation_loss"].argmin()
    return {str(name): float(value) for name, value in history.iloc[int(best)].items()}
