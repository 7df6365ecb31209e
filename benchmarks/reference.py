"""The first five variants, written as in tutorials, for comparison with the project's trainer.

They are correct, but slow on purpose: images are decoded one by one in every epoch and tested one
by one, and every step waits for its loss.
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
    """A tutorial's dataset: each access converts one image from PIL to a tensor `(1, 28, 28)`."""

    def __init__(self, images: Bytes) -> None:
        self.images = images
        self.to_tensor = transforms.ToTensor()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        image: Tensor = self.to_tensor(Image.fromarray(self.images[index, 0]))
        return image


class Reconstruction(nn.Module):
    """A variant: its encoder input, its loss, and one update of its weights.

    `images` are `(N, 1, 28, 28)` in [0, 1], `inputs` the encoder input made from them.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.optimizer: torch.optim.Optimizer = torch.optim.Adam(network.parameters(), 1e-3)

    def encoder_input(self, images: Tensor) -> Tensor:
        """Return the encoder input of a batch."""
        return images

    def loss(self, inputs: Tensor, images: Tensor) -> Tensor:
        """Return the mean loss of the batch, a scalar."""
        return F.binary_cross_entropy(self.network(inputs), images)

    def update(self, inputs: Tensor, images: Tensor) -> float:
        """Take one step; return the loss."""
        return step(self.optimizer, self.loss(inputs, images))


class Denoising(Reconstruction):
    """Reconstruction from a noisy image, with new noise for every image and step."""

    def encoder_input(self, images: Tensor) -> Tensor:
        """Return the images plus noise of mean 0.5 and standard deviation 0.3, within [0, 1]."""
        return torch.clamp(images + 0.5 + 0.3 * torch.randn_like(images), 0, 1)


class Enlargement(Reconstruction):
    """Reconstruction from an image of half the size."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network)
        self.reduce = transforms.Resize(14, antialias=True)

    def encoder_input(self, images: Tensor) -> Tensor:
        """Return the images reduced to `(N, 1, 14, 14)`."""
        reduced: Tensor = self.reduce(images)
        return reduced


class Variational(Reconstruction):
    """784 · mean squared error + KL divergence."""

    def __init__(self, network: VAE) -> None:
        super().__init__(network)
        self.vae = network
        self.optimizer = torch.optim.RMSprop(network.parameters(), 1e-3, eps=1e-8)

    def loss(self, inputs: Tensor, images: Tensor) -> Tensor:
        """Return the negative ELBO in nats per image, a scalar; each image has one latent draw."""
        mean, log_var = self.vae.encode(inputs)
        z = mean + torch.randn_like(mean) * torch.exp(log_var / 2)
        kl = -0.5 * torch.sum(1 + log_var - mean.square() - log_var.exp(), dim=1)
        return 784 * F.mse_loss(self.vae.decode(z), images) + kl.mean()


class Adversarial(nn.Module):
    """Adversarial autoencoder (Makhzani et al., arXiv 1511.05644) with a standard normal prior."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = perceptron(784, 1000, 1000, 1000, 150)
        self.decoder = perceptron(150, 1000, 1000, 1000, 784)
        self.discriminator = perceptron(150, 500, 500, 500, 500, 1)
        both = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.reconstruct = torch.optim.Adam(both, 1e-4)
        self.discriminate = torch.optim.Adam(self.discriminator.parameters(), 5e-5)
        self.regularise = torch.optim.Adam(self.encoder.parameters(), 5e-5)

    def encoder_input(self, images: Tensor) -> Tensor:
        """Return the images."""
        return images

    def loss(self, inputs: Tensor, images: Tensor) -> Tensor:
        """Return the binary cross-entropy of the reconstruction, a scalar."""
        decoded = torch.sigmoid(self.decoder(self.encoder(inputs.flatten(1))))
        return F.binary_cross_entropy(decoded, images.flatten(1))

    def realness(self, codes: Tensor, label: float) -> Tensor:
        """Return the discriminator's loss for codes `(N, 150)` that all have this label."""
        verdicts = torch.sigmoid(self.discriminator(codes))
        return F.binary_cross_entropy(verdicts, torch.full_like(verdicts, label))

    def update(self, inputs: Tensor, images: Tensor) -> float:
        """Take the three steps; return the reconstruction loss."""
        loss = step(self.reconstruct, self.loss(inputs, images))
        fake = self.encoder(inputs.flatten(1)).detach()
        real = torch.randn_like(fake)
        step(self.discriminate, self.realness(real, 1) + self.realness(fake, 0))
        step(self.regularise, self.realness(self.encoder(inputs.flatten(1)), 1))
        return loss


def step(optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
    """Take one optimiser step on the loss; return the loss."""
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
    """Return batches of 256 images in random order for training, of one image for testing."""
    if training:
        return DataLoader(Digits(images), BATCH_SIZE, shuffle=True, drop_last=True, num_workers=0)
    return DataLoader(Digits(images), batch_size=1, num_workers=0)


def run_epoch(system: System, train: Bytes, test: Bytes, device: torch.device) -> float:
    """Train one epoch on images `(N, 1, 28, 28)`, uint8; return the mean test loss."""
    for images in loader(train, training=True):
        batch = images.to(device)
        system.update(system.encoder_input(batch), batch)
    losses = []
    with torch.no_grad():
        for images in loader(test, training=False):
            batch = images.to(device)
            losses.append(system.loss(system.encoder_input(batch), batch).item())
    return sum(losses) / len(losses)
