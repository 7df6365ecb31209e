"""Residual convolutions that correct the image of a fully connected decoder."""

import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.param_types import Count, ImageShape

UNSHUFFLE = 2  # height and width of the blocks of pixels that become channels


class Corrected(nn.Module):
    """The sum of a layer and a network."""

    def __init__(self, base: nn.Module, correction: nn.Module) -> None:
        super().__init__()
        self.base = base
        self.correction = correction

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both outputs, `(N, …)`, for `x` `(N, …)`."""
        total: Tensor = self.base(x) + self.correction(x)
        return total

    def start_from_base(self) -> None:
        """Set the correction's last layer to 0, in place (Zhang et al., Fixup, arXiv 1901.09321).

        Until the next update, the output is that of `base` alone.
        """
        *_, last = (m for m in self.correction.modules() if isinstance(m, nn.Linear | nn.Conv2d))
        for parameter in last.parameters():
            nn.init.zeros_(parameter)


def refinement(image_shape: ImageShape, width: Count, blocks: Count) -> Corrected:
    """Return a network that adds a correction to images `(N, *image_shape)`.

    A 3×3 convolution and `blocks` residual blocks of `width` channels (Lim et al., EDSR, arXiv
    1707.02921) compute it, with blocks of pixels as channels (Zhang et al., FFDNet, arXiv
    1710.04026).

    Raises:
        ValueError: the image's height or width is not even.
    """
    channels, rows, columns = image_shape
    if rows % UNSHUFFLE or columns % UNSHUFFLE:
        raise ValueError(
            f"model: found images of {rows}×{columns}; allowed for this kind: a height and a width "
            f"that are multiples of {UNSHUFFLE}"
        )
    coarse = channels * UNSHUFFLE**2
    correction = nn.Sequential(
        nn.PixelUnshuffle(UNSHUFFLE),
        nn.Conv2d(coarse, width, 3, padding="same"),
        *(ResidualBlock(width) for _ in range(blocks)),
        nn.ReLU(),
        nn.Conv2d(width, coarse, 3, padding="same"),
        nn.PixelShuffle(UNSHUFFLE),
    )
    return Corrected(nn.Identity(), correction)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with a ReLU between them, added to the block's input.

    The block has no batch norm (Lim et al., arXiv 1707.02921, figure 2c).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding="same")
        self.second = nn.Conv2d(width, width, 3, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        """Return feature maps `(N, width, H, W)`, the shape of `x`."""
        return x + self.second(F.relu(self.first(x)))
