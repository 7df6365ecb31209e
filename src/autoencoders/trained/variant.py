"""Saving and loading of a trained variant; evaluation, figures, apply and serve use it."""

from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import torch
from pydantic import Field, TypeAdapter
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
from autoencoders.variants.priors.base import Prior

BATCH = 250


@dataclass(frozen=True)
class Description:
    """The record of a variant's training: the dataset and the resolved params.

    `classifier_sha256` is the hash of the classifier that the objective uses; None if it uses none.
    `initial_weights_sha256` is that of the file in `training.initial_weights`.
    """

    dataset: str
    name: str
    seed: int
    source: str
    data_sha256: str
    image_shape: ImageShape
    variant: Variant
    classifier_sha256: str | None = None
    # Left out of the file without these weights: earlier records stay the same.
    initial_weights_sha256: Annotated[str | None, Field(exclude_if=lambda sha: sha is None)] = None


ADAPTER = TypeAdapter(Description)


@dataclass(frozen=True, eq=False)
class Trained(Assembled):
    """A trained variant with frozen networks on `device`, and its dataset.

    Attributes:
        description: the record of the training.
        folder: the variant's folder.
        data: the dataset; its files are opened at the first use of its images.
        device: the device of the networks.
        batch_size: the number of images in a batch; batches of large images are smaller.
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

    @cached_property
    def prior(self) -> Prior | None:
        """Return the objective's prior; None if it has none."""
        with torch.no_grad():
            return self.objective.prior_of(self.networks)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Return the shape of one image's latent."""
        return self.model.latent_shape

    @property
    def latent_size(self) -> int:
        """Return the number of entries of one latent."""
        return prod(self.latent_shape)

    @property
    def latent_holds_input(self) -> bool:
        """Return whether a latent contains a copy of the encoder input."""
        return self.model.latent_holds_input

    @property
    def images_at_a_time(self) -> int:
        """Return the number of images to decode at a time: `batch_size`, or fewer large images."""
        return images_at_a_time(self.image_shape, self.batch_size)

    def noise(self, name: str) -> Noise:
        """Return a new source of noise for the purpose `name`, on the CPU for every device."""
        return randomness.noise(self.description.seed, name)

    def pairs(self, split: str, count: int | None = None, input: Input | None = None) -> Pairs:
        """Yield batches of encoder inputs and images `(n, C, H, W)` of a split; see `pairs.pairs`.

        Args:
            split: `train`, `validation` or `test`.
            count: only the first `count` images; None for all.
            input: replaces the variant's input, with the same noise.
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
        """Return `pairs` of the first `count` test images as one batch, each `(n, C, H, W)`."""
        inputs, images = zip(*self.pairs("test", count, input), strict=True)
        return torch.cat(inputs), torch.cat(images)

    def codes(self, split: str, count: int | None = None) -> Tensor:
        """Return the latents `(n, *latent_shape)` on the CPU of the first `count` or all images."""
        return encode_pairs(self.model.encode, self.pairs(split, count))

    @cached_property
    def history(self) -> pd.DataFrame:
        """Return a table with one row per epoch; see `load_history`."""
        return load_history(self.folder)

    @cached_property
    def test_codes(self) -> Tensor:
        """Return the latents `(N, *latent_shape)` of all test images, on the CPU."""
        return self.codes("test")

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Return the images `(N, C, H, W)` of latents `(N, *latent_shape)`, on the CPU."""
        return self.model.decode(latents.to(self.device)).sigmoid().cpu()


def build(description: Description) -> Assembled:
    """Return the untrained variant; its weights depend only on the seed and the names."""
    return assemble(
        description.variant,
        description.image_shape,
        description.seed,
        f"{description.dataset}/{description.name}",
        description.variant.training.initialization,
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
    """Return the trained variant that `save` wrote, with networks in evaluation mode.

    Args:
        folder: the variant's folder.
        data: the dataset that it was trained on; this function does not read its files.
        device: the device of the networks.
        batch_size: the number of images in a batch.

    Raises:
        UserError: a file is missing or damaged, or the weights do not fit the model.
    """
    description, assembled = weights.load(folder, ADAPTER, build, lambda variant: variant.networks)
    # In the memory format of the training, networks evaluate 2 to 3 times faster.
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
    """Return a table with one row per epoch; `training.loop.fit` describes its columns.

    Raises:
        UserError: the file is missing or damaged.
    """
    with files.readable(folder / HISTORY) as path:
        history = pd.read_csv(files.read_lines(path))
        if list(history["epoch"]) != list(range(1, len(history) + 1)) or history.empty:
            raise ValueError(f"the column epoch is not 1, 2, 3, …: found {list(history['epoch'])}")
        if not {"validation_loss", "validation_mse"} <= {*history}:
            raise ValueError(
                f"the column validation_loss or validation_mse is missing: found {list(history)}"
            )
        if not np.isfinite(history.to_numpy(float)).all():
            raise ValueError("found empty cells, nan or inf; allowed: finite numbers")
    return history


def best_epoch(history: pd.DataFrame) -> dict[str, float]:
    """Return the row of the epoch with the lowest validation loss; its weights are saved."""
    best = history["validation_loss"].argmin()
    return {str(name): float(value) for name, value in history.iloc[int(best)].items()}
