"""Packed bytes into batches that networks take."""

from collections.abc import Iterator, Sequence
from math import prod

import torch
from torch import Tensor

from autoencoders.device import CPU

MAX_BATCH_VALUES = (
    2**24
)  # numbers that a batch holds, where how many images it has is for memory alone


def images_at_a_time(shape: Sequence[int], most: int) -> int:
    """Return how many images of this shape to take at a time, at most `most`: fewer if large."""
    return max(1, min(most, MAX_BATCH_VALUES // prod(shape)))


def batches(images: Tensor, chunks: Sequence[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Yield `images[chunk]` of each, as float32 in [0, 1], `(n, C, H, W)`, on `device`.

    `images` are uint8 and `chunks` indices where they are; only the images of a batch are read, so
    that they may lie on disk.
    """
    for chunk in chunks:
        batch = images[chunk].to(device)
        yield batch.float().div_(255).contiguous(memory_format=torch.channels_last)


def shuffled_indices(
    n_images: int,
    batch_size: int,
    order: torch.Generator,
    device: torch.device = CPU,
) -> Sequence[Tensor]:
    """Return an epoch's batches of indices, in random order; a last, partial one is dropped."""
    whole = steps_per_epoch(n_images, batch_size) * batch_size
    return torch.randperm(n_images, generator=order).to(device)[:whole].split(batch_size)


def steps_per_epoch(n_images: int, batch_size: int) -> int:
    """Return the batches in an epoch: whole ones only, but at least one."""
    return max(1, n_images // batch_size)
