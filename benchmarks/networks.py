"""The networks of the first five variants, written as in tutorials, for the reference loop."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Decoder(nn.Module):
    """Decode feature maps `(N, 8, 4, 4)` to images `(N, 1, 28, 28)`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 8, 3, padding="same")
        self.conv2 = nn.Conv2d(8, 8, 3, padding="same")
        self.conv3 = nn.Conv2d(8, 16, 3)
        self.conv4 = nn.Conv2d(16, 1, 3, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        """Return images `(N, 1, 28, 28)` in [0, 1]."""
        for conv in (self.conv1, self.conv2, self.conv3):
            x = F.interpolate(F.relu(conv(x)), scale_factor=2)
        return torch.sigmoid(self.conv4(x))


class ConvAutoencoder(nn.Module):
    """Encode 1×28×28 → 16×14×14 → 8×7×7 → 8×4×4, then decode."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding="same")
        self.conv2 = nn.Conv2d(16, 8, 3, padding="same")
        self.conv3 = nn.Conv2d(8, 8, 3, padding="same")
        self.decoder = Decoder()

    def forward(self, x: Tensor) -> Tensor:
        """Return reconstructions `(N, 1, 28, 28)` in [0, 1]."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.max_pool2d(F.relu(self.conv3(x)), 2, padding=1)
        return self.decoder(x)


class SuperResolution(nn.Module):
    """Encode 1×14×14 → 16×7×7 → 8×4×4, then decode to 1×28×28."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 3, padding="same")
        self.conv2 = nn.Conv2d(16, 8, 3, padding="same")
        self.decoder = Decoder()

    def forward(self, x: Tensor) -> Tensor:
        """Return enlarged images `(N, 1, 28, 28)` in [0, 1]."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2, padding=1)
        return self.decoder(x)


class VAE(nn.Module):
    """Encode 784 → 512 → a Gaussian of two dimensions, then decode → 512 → 784."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(784, 512)
        self.mean = nn.Linear(512, 2)
        self.log_var = nn.Linear(512, 2)
        self.decoder = perceptron(2, 512, 784)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of the latents, both `(N, 2)`."""
        h = F.relu(self.hidden(x.flatten(1)))
        return self.mean(h), self.log_var(h)

    def decode(self, z: Tensor) -> Tensor:
        """Return images `(N, 1, 28, 28)` in [0, 1]."""
        return torch.sigmoid(self.decoder(z)).view(-1, 1, 28, 28)


def perceptron(*sizes: int) -> nn.Sequential:
    """Return linear layers of these sizes, with a ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
