"""Images of a split beside what the encoder sees of them, always under the same noise."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import torch
from torch import Tensor

from autoencoders import randomness
from autoencoders.datasets.batches import batches, images_at_a_time
from autoencoders.device import CPU
from autoencoders.variants.inputs import Input

Pairs: TypeAlias = Iterator[tuple[Tensor, Tensor]]  # what is seen, and the image; batch by batch
Predict: TypeAlias = Callable[[Tensor], Tensor]  # what is seen → the image, or features of it


def pairs(
    input: Input,
    images: Tensor,
    seed: int,
    split: str,
    batch_size: int,
    device: torch.device | str = "cpu",
) -> Pairs:
    """Yield what the encoder sees and the image, float32 `(n, C, H, W)` on `device`, in order.

    There are `batch_size` at a time, or fewer if they are large.

    `images` are uint8 `(N, C, H, W)`. The noise depends on `seed` and `split` alone: every variant
    with the same input, every figure and every device sees the same; no two images do.
    """
    noise = randomness.noise(seed, f"{split}/input")
    chunks = torch.arange(len(images)).split(images_at_a_time(images.shape[1:], batch_size))
    for batch in batches(images, chunks, CPU):
        clean = batch.contiguous()
        yield input(clean, noise).to(device), clean.to(device)


@torch.no_grad()
def encode_pairs(encode: Predict, pairs: Pairs) -> Tensor:
    """Return what `encode` makes of all that is seen, `(N, …)` on the CPU, in order."""
    return torch.cat([encode(seen).cpu() for seen, _ in pairs])
