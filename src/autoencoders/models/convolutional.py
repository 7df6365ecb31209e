"""Convolutional autoencoders, plain and variational, for clean, noisy and reduced images."""

from math import prod
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from annotated_types import Gt, MinLen
from torch import Tensor, nn

from autoencoders.inputs import ImageShape
from autoencoders.models.base import Autoencoder, VariationalAutoencoder

Widths = Annotated[list[Annotated[int, Gt(0)]], MinLen(1)]
Size = Annotated[int, Gt(0)]
Upsampling = Literal["nearest", "bilinear", "transposed"]


class ConvEncoder(nn.Module):
    """3×3 convolutions, each followed by a ReLU and a 2×2 max-pool.

    A pool over an odd size is padded by one, so that a size s becomes ⌈s/2⌉.
    """

    def __init__(self, input_shape: ImageShape, channels: list[int]) -> None:
        super().__init__()
        widths = [input_shape[0], *channels]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding="same") for a, b in zip(widths, channels, strict=False)
        )
        height, width = input_shape[1:]
        for _ in channels:
            height, width = -(-height // 2), -(-width // 2)
        self.output_shape = (channels[-1], height, width)

    def forward(self, x: Tensor) -> Tensor:
        """Return the feature maps, `(N, *output_shape)`."""
        for convolution in self.convolutions:
            x = convolution(x)
            # ReLU after the pool is the same function on a quarter of the values.
            x = F.relu(F.max_pool2d(x, 2, padding=(x.shape[2] % 2, x.shape[3] % 2)))
        return x


class ConvDecoder(nn.Module):
    """3×3 convolutions, each followed by a ReLU and a ×2 upsampling; then one to the image.

    What doubling leaves too large is cut where it costs least: the last convolution before the
    last doubling goes unpadded where that fits, and the image is cropped by the rest.
    """

    def __init__(
        self,
        latent_shape: ImageShape,
        image_shape: ImageShape,
        channels: list[int],
        upsampling: Upsampling,
    ) -> None:
        super().__init__()
        self.image_size = image_shape[1:]
        scale = 2 ** len(channels)
        if any(s * scale < size for s, size in zip(latent_shape[1:], self.image_size, strict=True)):
            raise ValueError(
                f"{len(channels)} doublings of {latent_shape[1]}×{latent_shape[2]} do not reach "
                f"{self.image_size[0]}×{self.image_size[1]}: give decoder_channels more entries"
            )
        trims = [
            s * scale // 2 - -(-size // 2) >= 2
            for s, size in zip(latent_shape[1:], self.image_size, strict=True)
        ]
        unpadded = (int(not trims[0]), int(not trims[1]))
        paddings = [(1, 1)] * (len(channels) - 1) + [unpadded]
        widths = [latent_shape[0], *channels]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=padding)
            for a, b, padding in zip(widths, channels, paddings, strict=False)
        )
        self.doublings = nn.ModuleList(_doubling(width, upsampling) for width in channels)
        if upsampling == "nearest":  # the last doubling costs most: it and the convolution are one
            self.doublings[-1] = nn.Identity()
            self.to_image: nn.Conv2d = DoublingConv(channels[-1], image_shape[0])
        else:
            self.to_image = nn.Conv2d(channels[-1], image_shape[0], 3, padding="same")

    def forward(self, z: Tensor) -> Tensor:
        """Return the image's logits, `(N, *image_shape)`."""
        for convolution, double in zip(self.convolutions, self.doublings, strict=True):
            z = double(F.relu(convolution(z)))
        return self.to_image(z)[..., : self.image_size[0], : self.image_size[1]]


class DoublingConv(nn.Conv2d):
    """A 3×3 'same' convolution of its input doubled in size, every pixel four times.

    Each of a pixel's four copies sees 2×2 pixels of the input, under sums of the kernel's taps.
    Computed as that, a sub-pixel convolution (Shi et al., arXiv 1609.05158), the doubled input is
    never written.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        """Return `(N, O, 2·H, 2·W)` from `x` `(N, C, H, W)`."""
        of_columns = _of_copies(self.weight, 3)  # (O, 2, C, 3, 3)
        kernels = _of_copies(of_columns, 3)  # (O, 2, 2, C, 3, 3)
        assert self.bias is not None
        bias = self.bias.repeat_interleave(4)
        return F.pixel_shuffle(F.conv2d(x, kernels.flatten(0, 2), bias, padding=1), 2)


def _of_copies(kernels: Tensor, dim: int) -> Tensor:
    """Return the kernels along `dim` that a pixel's first and second copy see, stacked at 1."""
    before, at, after = kernels.unbind(dim)
    nothing = torch.zeros_like(at)
    first = torch.stack([before, at + after, nothing], dim)
    second = torch.stack([nothing, before + at, after], dim)
    return torch.stack([first, second], 1)


def _doubling(channels: int, upsampling: Upsampling) -> nn.Module:
    if upsampling == "transposed":
        return nn.ConvTranspose2d(channels, channels, 2, stride=2)
    return nn.Upsample(scale_factor=2, mode=upsampling)


class ConvAE(Autoencoder):
    """A convolutional autoencoder; its latent is a stack of small feature maps.

    With input and image of 1×28×28, `encoder_channels` [16, 8, 8] and `decoder_channels`
    [8, 8, 16] the sizes go 28 → 14 → 7 → 4 → 8 → 16 → 14 → 28. A smaller input with fewer
    encoder channels makes it a super-resolution autoencoder: 14 → 7 → 4 → … → 28.
    """

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        encoder_channels: Widths,
        decoder_channels: Widths,
        upsampling: Upsampling,
    ) -> None:
        super().__init__()
        self.encoder = ConvEncoder(input_shape, encoder_channels)
        self.latent_shape = self.encoder.output_shape
        self.decoder = ConvDecoder(
            self.encoder.output_shape, image_shape, decoder_channels, upsampling
        )

    def encode(self, seen: Tensor) -> Tensor:
        """Return the feature maps `(N, *latent_shape)` of `seen` `(N, *input_shape)`."""
        return self.encoder(seen)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, *latent_shape)`."""
        return self.decoder(latent)


class ConvVAE(VariationalAutoencoder):
    """A convolutional variational autoencoder; its latent is a vector.

    The parts of `ConvAE`, and between them linear layers: two from the encoder's feature maps to
    the mean and the log-variance of a diagonal Gaussian, one from the latent to feature maps of
    the same shape.
    """

    def __init__(
        self,
        input_shape: ImageShape,
        image_shape: ImageShape,
        encoder_channels: Widths,
        decoder_channels: Widths,
        upsampling: Upsampling,
        latent_size: Size,
    ) -> None:
        super().__init__()
        self.latent_shape = (latent_size,)
        self.encoder = ConvEncoder(input_shape, encoder_channels)
        self.maps_shape = self.encoder.output_shape
        self.mean = nn.Linear(prod(self.maps_shape), latent_size)
        self.log_variance = nn.Linear(prod(self.maps_shape), latent_size)
        self.to_maps = nn.Linear(latent_size, prod(self.maps_shape))
        self.decoder = ConvDecoder(self.maps_shape, image_shape, decoder_channels, upsampling)

    def posterior(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of q(z|x), each `(N, latent_size)`."""
        features = self.encoder(seen).flatten(1)
        return self.mean(features), self.log_variance(features)

    def decode(self, latent: Tensor) -> Tensor:
        """Return the logits `(N, *image_shape)` of `latent` `(N, latent_size)`."""
        return self.decoder(F.relu(self.to_maps(latent)).unflatten(1, self.maps_shape))
