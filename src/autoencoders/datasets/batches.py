"""Batches for networks, made from images that are stored as bytes."""

from collections.abc import Iterator, Sequence
from math import prod

import torch
from torch import Tensor

from autoencoders.device import CPU

MAX_BATCH_VALUES = 2**24  # pixel values in a batch whose size does not affect results


def images_at_a_time(shape: Sequence[int], limit: int) -> int:
    """Return the batch size for images `(C, H, W)`: `limit`, or less for large images."""
    return max(1, min(limit, MAX_BATCH_VALUES // prod(shape)))


def batches(images: Tensor, chunks: Sequence[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Yield each batch `images[chunk]` on `device`: `(n, C, H, W)`, float32 in [0, 1].

    `images` are uint8 `(N, C, H, W)`; the indices `(n,)` in `chunks` are on the same device. Only
    the images of the current batch are read, because they may be memory-mapped.
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
    """Return the indices `(batch_size,)` of each batch of an epoch, in random order.

    A last batch with fewer images is dropped, unless it is the only one.
    """
    n_used = steps_per_epoch(n_images, batch_size) * batch_size
    return torch.randperm(n_images, generator=order).to(device)[:n_used].split(batch_size)


def steps_per_epoch(n_images: int, batch_size: int) -> int:
    """Return the number of full batches in an epoch, at least 1."""
    return max(1, n_images // batch_size)
