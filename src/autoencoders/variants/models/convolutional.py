"""Convolutional autoencoders: plain and variational."""

from itertools import pairwise
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.param_types import Count, ImageShape, Upsampling, Widths
from autoencoders.variants.models.base import Autoencoder, VariationalAutoencoder


class ConvAE(Autoencoder):
    """A convolutional autoencoder; its latent is a stack of small feature maps.

    For an input and an image of 1×28×28, `encoder_channels` [16, 8, 8] and `decoder_channels`
    [8, 8, 16], the sizes are 28 → 14 → 7 → 4 → 8 → 16 → 14 → 28. With a smaller input and fewer
    encoder channels it is a super-resolution autoencoder: 14 → 7 → 4 → … → 28.

    Raises:
        ValueError: the decoder's doublings do not reach the image's size.
    """

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        encoder_channels: Widths,
        decoder_channels: Widths,
        upsampling: Upsampling = "nearest",
    ) -> None:
        super().__init__()
        self.latent_shape = maps = pooled_shape(input_shape, encoder_channels)
        self.encoder = ConvEncoder([input_shape[0], *encoder_channels])
        self.decoder = ConvDecoder(maps, image_shape, decoder_channels, upsampling)


class ConvVAE(VariationalAutoencoder):
    """A convolutional variational autoencoder; its latent is a vector.

    It has the encoder and the decoder of `ConvAE` with three linear layers between them. Two map
    the encoder's feature maps to the mean and the log-variance of a diagonal Gaussian. One maps
    the latent to feature maps of the same shape.

    Raises:
        ValueError: the decoder's doublings do not reach the image's size.
    """

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        encoder_channels: Widths,
        decoder_channels: Widths,
        latent_size: Count,
        upsampling: Upsampling = "nearest",
    ) -> None:
        super().__init__()
        self.latent_shape = (latent_size,)
        maps = pooled_shape(input_shape, encoder_channels)
        self.encoder = ConvEncoder([input_shape[0], *encoder_channels])
        self.mean = nn.Linear(prod(maps), latent_size)
        self.log_variance = nn.Linear(prod(maps), latent_size)
        self.to_maps = ToMaps(latent_size, maps)
        self.decoder = ConvDecoder(maps, image_shape, decoder_channels, upsampling)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, latent_size)`."""
        return self.decoder(self.to_maps(latent))


def pooled_shape(image_shape: ImageShape, channels: list[int]) -> ImageShape:
    """Return the shape `(C, H, W)` of the last of `pooled_maps`; a pool maps a size s to ⌈s/2⌉."""
    scale = 2 ** len(channels)
    return channels[-1], -(-image_shape[1] // scale), -(-image_shape[2] // scale)


def convolutions(widths: list[int]) -> nn.ModuleList:
    """Return 3×3 convolutions between `widths` channels that keep height and width."""
    return nn.ModuleList(nn.Conv2d(a, b, 3, padding="same") for a, b in pairwise(widths))


def pooled_maps(layers: nn.ModuleList, images: Tensor) -> list[Tensor]:
    """Return the feature maps of `images` `(N, C, H, W)` after each convolution, pool and ReLU.

    A 2×2 max-pool over an odd size is padded by one. Map i is `(N, C_i, H_i, W_i)` with
    H_i = ⌈H/2^(i+1)⌉ and W_i = ⌈W/2^(i+1)⌉.
    """
    maps = [images]
    for convolution in layers:
        x = convolution(maps[-1])
        # ReLU and max-pool commute; after the pool, there are only a quarter of the values.
        maps.append(F.relu(F.max_pool2d(x, 2, padding=(x.shape[2] % 2, x.shape[3] % 2))))
    return maps[1:]


class ConvEncoder(nn.Module):
    """3×3 convolutions between `widths`, each followed by a ReLU and a 2×2 max-pool."""

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.convolutions = convolutions(widths)

    def forward(self, images: Tensor) -> Tensor:
        """Return the last of `pooled_maps`, `(N, C', H', W')`, of `images` `(N, C, H, W)`."""
        return pooled_maps(self.convolutions, images)[-1]


class ToMaps(nn.Linear):
    """A linear layer from a vector to feature maps of a given shape, with a ReLU."""

    def __init__(self, size: int, maps_shape: ImageShape) -> None:
        super().__init__(size, prod(maps_shape))
        self.maps_shape = maps_shape

    def forward(self, vectors: Tensor) -> Tensor:
        """Return the feature maps `(N, *maps_shape)` of `vectors` `(N, size)`."""
        return F.relu(super().forward(vectors)).unflatten(1, self.maps_shape)


class ConvDecoder(nn.Module):
    """3×3 convolutions, each with a ReLU and a ×2 upsampling, and one to the image's logits.

    If the doublings exceed the image's size, the output is cropped. The convolution before the last
    doubling then has no padding along an axis with two or more pixels to spare.

    Raises:
        ValueError: one doubling for each entry of `channels` does not reach the image's size.
    """

    def __init__(
        self,
        latent_shape: ImageShape,
        image_shape: ImageShape,
        channels: list[int],
        upsampling: Upsampling,
    ) -> None:
        super().__init__()
        _, rows, columns = latent_shape
        height, width = self.image_size = image_shape[1:]
        scale = 2 ** (len(channels) - 1)  # of the sizes before the last doubling
        if 2 * scale * rows < height or 2 * scale * columns < width:
            raise ValueError(
                f"model.decoder_channels: found {channels}, which enlarges {rows}×{columns} to "
                f"{2 * scale * rows}×{2 * scale * columns}; allowed: more entries, to reach "
                f"{height}×{width}"
            )
        # No padding along an axis with two or more pixels to spare.
        last = int(scale * rows - -(-height // 2) < 2), int(scale * columns - -(-width // 2) < 2)
        paddings = [(1, 1)] * (len(channels) - 1) + [last]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=padding)
            for (a, b), padding in zip(
                pairwise([latent_shape[0], *channels]), paddings, strict=True
            )
        )
        self.upsampling = upsampling
        self.doublings = nn.ModuleList(_doubling(width, upsampling) for width in channels)
        if upsampling == "nearest":  # the last doubling is the slowest: one layer does both steps
            self.doublings[-1] = nn.Identity()
            self.to_image: nn.Conv2d = DoublingConv(channels[-1], image_shape[0])
        else:
            self.to_image = nn.Conv2d(channels[-1], image_shape[0], 3, padding="same")

    def forward(self, z: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of feature maps `z`, `(N, *latent_shape)`."""
        for convolution, double in zip(self.convolutions, self.doublings, strict=True):
            z = double(F.relu(convolution(z)))
        return self.to_image(z)[..., : self.image_size[0], : self.image_size[1]]


class DoublingConv(nn.Conv2d):
    """A ×2 nearest-neighbour upsampling and a 3×3 'same' convolution, computed as one.

    Nearest-neighbour upsampling repeats each pixel four times, so an output pixel depends on 2×2
    input pixels only, weighted by sums of the kernel's entries. A sub-pixel convolution (Shi et
    al., arXiv 1609.05158) computes this without storing the upsampled input.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        """Return the feature maps `(N, O, 2·H, 2·W)` of `x` `(N, C, H, W)`."""
        column_kernels = _copy_kernels(self.weight, 3)  # (O, 2, C, 3, 3)
        kernels = _copy_kernels(column_kernels, 3)  # (O, 2, 2, C, 3, 3)
        assert self.bias is not None
        bias = self.bias.repeat_interleave(4)
        return F.pixel_shuffle(F.conv2d(x, kernels.flatten(0, 2), bias, padding=1), 2)


def _copy_kernels(kernels: Tensor, dim: int) -> Tensor:
    """Return kernels `(O, 2, …)` for both copies of a pixel along `dim`; `kernels` are `(O, …)`."""
    before, centre, after = kernels.unbind(dim)
    zero = torch.zeros_like(centre)
    first = torch.stack([before, centre + after, zero], dim)
    second = torch.stack([zero, before + centre, after], dim)
    return torch.stack([first, second], 1)


def _doubling(channels: int, upsampling: Upsampling) -> nn.Module:
    if upsampling == "transposed":
        return nn.ConvTranspose2d(channels, channels, 2, stride=2)
    return nn.Upsample(scale_factor=2, mode=upsampling)
