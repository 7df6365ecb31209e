"""Pairs of encoder input and image for a split, with reproducible noise."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from autoencoders import randomness
from autoencoders.datasets.batches import batches, images_at_a_time
from autoencoders.device import CPU
from autoencoders.variants.inputs import Input

Pairs: TypeAlias = Iterator[tuple[Tensor, Tensor]]  # batches of encoder inputs and images
Predict: TypeAlias = Callable[[Tensor], Tensor]  # encoder inputs → images or features


def pairs(
    input: Input,
    images: Tensor,
    seed: int,
    split: str,
    batch_size: int,
    device: torch.device | str = "cpu",
) -> Pairs:
    """Yield batches of encoder inputs and images, float32 `(n, C, H, W)` on `device`, in order.

    A batch has `batch_size` images, or fewer if they are large.

    `images` are uint8 `(N, C, H, W)`. The noise depends only on `seed` and `split`: it is the same
    for all variants with the same input, all figures and all devices. Each image has its own noise.
    """
    noise = randomness.noise(seed, f"{split}/input")
    chunks = torch.arange(len(images)).split(images_at_a_time(images.shape[1:], batch_size))
    for batch in batches(images, chunks, CPU):
        clean = batch.contiguous()
        yield input(clean, noise).to(device), clean.to(device)


@torch.no_grad()
def encode_pairs(encode: Predict, pairs: Pairs) -> Tensor:
    """Return the result of `encode` for all encoder inputs, `(N, …)` on the CPU, in order."""
    return torch.cat([encode(inputs).cpu() for inputs, _ in pairs])
