"""Packed bytes into batches that networks take."""

from collections.abc import Iterator

import torch
from torch import Tensor


def batches(images: Tensor, order: Tensor, size: int, device: torch.device) -> Iterator[Tensor]:
    """Yield `images[order]` in batches, as float32 in [0, 1], `(n, C, H, W)`, on `device`.

    `images` are uint8; only those of a batch are read, so that they may lie on disk.
    """
    for indices in order.split(size):
        batch = images[indices.to(images.device)].to(device)
        yield batch.float().div_(255).contiguous(memory_format=torch.channels_last)
