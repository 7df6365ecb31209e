"""Test images through a trained network, always under the same noise."""

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from autoencoders import randomness
from autoencoders.data.batches import batches
from autoencoders.inputs import Input


def pairs(
    corruption: Input, images: Tensor, seed: int, split: str, batch_size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield what the encoder sees and the image, float32 `(n, C, H, W)` on the CPU, in order.

    `images` are uint8 `(N, C, H, W)`. The noise depends on `seed` and `split` alone: every variant
    with the same input, and every figure, sees the same; no two images do.
    """
    noise = randomness.noise(seed, f"{split}/input")
    chunks = torch.arange(len(images)).split(batch_size)
    for batch in batches(images, chunks, torch.device("cpu")):
        clean = batch.contiguous()
        yield corruption(clean, noise), clean


def first_pairs(
    corruption: Input, images: Tensor, seed: int, split: str, count: int
) -> tuple[Tensor, Tensor]:
    """Return the first `count` of `pairs` as one batch."""
    return next(islice(pairs(corruption, images[:count], seed, split, count), 1))
