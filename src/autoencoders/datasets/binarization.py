"""Binary images, drawn from grey ones.

The papers that report likelihoods on MNIST draw each pixel as a Bernoulli variable whose
probability of white is its grey value (Salakhutdinov & Murray 2008). `static` images are drawn
once; `dynamic` training images are drawn anew in each epoch (Burda et al., arXiv 1509.00519).
"""

import torch
from torch import Tensor


def draw_binary(images: Tensor, generator: torch.Generator) -> Tensor:
    """Return images of 0 and 255, white with the probability grey value / 255.

    Both are uint8 `(N, C, H, W)`, on the generator's device.
    """
    thresholds = torch.randint(
        255, images.shape, dtype=torch.uint8, generator=generator, device=images.device
    )
    return (thresholds < images) * torch.tensor(255, dtype=torch.uint8, device=images.device)


def is_binary(images: Tensor) -> bool:
    """Return whether all pixels of uint8 images `(N, C, H, W)` are 0 or 255."""
    return bool(((images == 0) | (images == 255)).all())
