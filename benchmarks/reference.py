"""The five core variants as tutorials write them, for the project's trainer to be held against.

Correct, but slow on purpose: images are decoded one by one, again every epoch, tested one by one,
and every step waits for its loss.
"""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from autoencoders.param_types import Bytes
from benchmarks.networks import VAE, ConvAutoencoder, SuperResolution, perceptron

BATCH_SIZE = 256


class Digits(Dataset[Tensor]):
    """Images as a tutorial's dataset gives them: each one from PIL to a tensor when asked for."""

    def __init__(self, images: Bytes) -> None:
        self.images = images
        self.to_tensor = transforms.ToTensor()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        image: Tensor = self.to_tensor(Image.fromarray(self.images[index, 0]))
        return image


class Reconstruction(nn.Module):
    """A variant: what its network sees, its loss, and how one batch moves its weights."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.optimizer: torch.optim.Optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    def see(self, images: Tensor) -> Tensor:
        """Return what the network is given of the images."""
        return images

    def loss(self, seen: Tensor, images: Tensor) -> Tensor:
        """Return the batch's mean loss."""
        return F.binary_cross_entropy(self.network(seen), images)

    def update(self, seen: Tensor, images: Tensor) -> float:
        """Take one step; return the loss."""
        return step(self.optimizer, self.loss(seen, images))


class Denoising(Reconstruction):
    """Reconstruction from a noisy image; the noise is fresh for every image and step."""

    def see(self, images: Tensor) -> Tensor:
        """Return the images under noise of mean 0.5 and standard deviation 0.3."""
        return torch.clamp(images + 0.5 + 0.3 * torch.randn_like(images), 0, 1)


class Enlargement(Reconstruction):
    """Reconstruction from an image of half the size."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self.reduce = transforms.Resize(14, antialias=True)

    def see(self, images: Tensor) -> Tensor:
        """Return the images reduced to 14×14."""
        reduced: Tensor = self.reduce(images)
        return reduced


class Variational(Reconstruction):
    """784 · mean squared error + KL divergence."""

    def __init__(self, network: VAE) -> None:
        super().__init__(network)
        self.vae = network
        self.optimizer = torch.optim.RMSprop(network.parameters(), 1e-3, eps=1e-8)

    def loss(self, seen: Tensor, images: Tensor) -> Tensor:
        """Return the negative evidence lower bound, one latent drawn for each image."""
        mean, log_var = self.vae.encode(seen)
        z = mean + torch.randn_like(mean) * torch.exp(log_var / 2)
        kl = -0.5 * torch.sum(1 + log_var - mean.square() - log_var.exp(), dim=1)
        return 784 * F.mse_loss(self.vae.decode(z), images) + kl.mean()


class Adversarial(nn.Module):
    """Makhzani et al., arXiv 1511.05644: reconstruct, and match the codes to a standard normal."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = perceptron(784, 1000, 1000, 1000, 150)
        self.decoder = perceptron(150, 1000, 1000, 1000, 784)
        self.discriminator = perceptron(150, 500, 500, 500, 500, 1)
        both = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.reconstruct = torch.optim.Adam(both, 1e-4)
        self.discriminate = torch.optim.Adam(self.discriminator.parameters(), 5e-5)
        self.regularise = torch.optim.Adam(self.encoder.parameters(), 5e-5)

    def see(self, images: Tensor) -> Tensor:
        """Return the images themselves."""
        return images

    def loss(self, seen: Tensor, images: Tensor) -> Tensor:
        """Return the reconstruction's binary cross-entropy."""
        decoded = torch.sigmoid(self.decoder(self.encoder(seen.flatten(1))))
        return F.binary_cross_entropy(decoded, images.flatten(1))

    def realness(self, codes: Tensor, label: float) -> Tensor:
        """Return the discriminator's loss where all codes should get this label."""
        verdicts = torch.sigmoid(self.discriminator(codes))
        return F.binary_cross_entropy(verdicts, torch.full_like(verdicts, label))

    def update(self, seen: Tensor, images: Tensor) -> float:
        """Take the three steps; return the reconstruction's loss."""
        loss = step(self.reconstruct, self.loss(seen, images))
        fake = self.encoder(seen.flatten(1)).detach()
        real = torch.randn_like(fake)
        step(self.discriminate, self.realness(real, 1) + self.realness(fake, 0))
        step(self.regularise, self.realness(self.encoder(seen.flatten(1)), 1))
        return loss


def step(optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
    """Move one optimiser's weights down the loss; return it."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


System = Reconstruction | Adversarial

SYSTEMS: dict[str, Callable[[], System]] = {
    "conv": lambda: Reconstruction(ConvAutoencoder()),
    "denoise": lambda: Denoising(ConvAutoencoder()),
    "superres": lambda: Enlargement(SuperResolution()),
    "vae": lambda: Variational(VAE()),
    "aae": Adversarial,
}


def loader(images: Bytes, training: bool) -> Iterable[Tensor]:
    """Return batches of 256 in a new order for training, and of one image for testing."""
    if training:
        return DataLoader(Digits(images), BATCH_SIZE, shuffle=True, drop_last=True, num_workers=0)
    return DataLoader(Digits(images), batch_size=1, num_workers=0)


def run_epoch(system: System, train: Bytes, test: Bytes, device: torch.device) -> float:
    """Train on every image once, then return the mean test loss."""
    for images in loader(train, training=True):
        batch = images.to(device)
        system.update(system.see(batch), batch)
    losses = []
    with torch.no_grad():
        for images in loader(test, training=False):
            batch = images.to(device)
            losses.append(system.loss(system.see(batch), batch).item())
    return sum(losses) / len(losses)
