"""Linear layers between images and vectors."""

from itertools import pairwise

from torch import Tensor, nn

from autoencoders.keys import ImageShape


def mlp(widths: list[int]) -> nn.Sequential:
    """Return linear layers between `widths` with a ReLU between each two."""
    return nn.Sequential(*_layers(widths))


class Flattened(nn.Sequential):
    """Layers that take images `(N, C, H, W)` as vectors `(N, C·H·W)`."""

    def __init__(self, widths: list[int], *, rectified: bool = False) -> None:
        super().__init__(*_layers(widths), *([nn.ReLU()] if rectified else []))

    def forward(self, images: Tensor) -> Tensor:
        """Return vectors `(N, widths[-1])`."""
        vectors: Tensor = super().forward(images.flatten(1))  # type: ignore[no-untyped-call]
        return vectors


class Unflattened(nn.Sequential):
    """Layers that give vectors `(N, C·H·W)` as images `(N, C, H, W)`."""

    def __init__(self, widths: list[int], image_shape: ImageShape) -> None:
        super().__init__(*_layers(widths))
        self.image_shape = image_shape

    def forward(self, vectors: Tensor) -> Tensor:
        """Return logits `(N, *image_shape)`."""
        pixels: Tensor = super().forward(vectors)  # type: ignore[no-untyped-call]
        return pixels.unflatten(1, self.image_shape)


def _layers(widths: list[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), nn.ReLU()]
    return layers[:-1]
