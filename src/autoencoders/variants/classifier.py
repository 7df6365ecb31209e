"""The network that classifies a dataset's images."""

from math import prod

import torch.nn.functional as F
from torch import Tensor, nn

from autoencoders.param_types import ImageShape
from autoencoders.variants.models.convolutional import convolutions, pooled_maps, pooled_shape


class ConvClassifier(nn.Module):
    """3×3 convolutions with 2×2 max-pools, a layer of features, and a layer of logits."""

    def __init__(
        self, image_shape: ImageShape, classes: int, channels: list[int], features: int
    ) -> None:
        super().__init__()
        self.convolutions = convolutions([image_shape[0], *channels])
        self.hidden = nn.Linear(prod(pooled_shape(image_shape, channels)), features)
        self.classes = nn.Linear(features, classes)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps `(N, C_i, H_i, W_i)` after each pool; images are `(N, C, H, W)`."""
        return pooled_maps(self.convolutions, images)

    def features(self, images: Tensor) -> Tensor:
        """Return the features `(N, features)` of images `(N, C, H, W)` in [0, 1], float32."""
        return F.relu(self.hidden(self.maps(images)[-1].flatten(1)))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits `(N, classes)` of images `(N, C, H, W)`, float32 in [0, 1]."""
        return self.classes(self.features(images))
