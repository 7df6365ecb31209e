"""Training of a dataset's classifier, whose features and predictions evaluate generated images."""

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from autoencoders.datasets.batches import (
    batches,
    images_at_a_time,
    shuffled_indices,
    steps_per_epoch,
)
from autoencoders.device import CPU, tune_cpu
from autoencoders.randomness import generator, seeded_initialisation
from autoencoders.training.history import SILENT, Progress
from autoencoders.training.loop import VALIDATION_BATCH
from autoencoders.training.schedules import set_rates, share_done
from autoencoders.training.settings import Classifier
from autoencoders.variants.classifier import ConvClassifier
from autoencoders.variants.models.base import initialize_kaiming

Split = tuple[Tensor, Tensor]  # images uint8 (N, C, H, W), integer labels (N,)


def train(
    training: Split,
    validation: Split,
    classes: int,
    settings: Classifier,
    seed: int,
    *,
    name: str = "classifier",
    device: torch.device = CPU,
    progress: Progress = SILENT,
) -> ConvClassifier:
    """Train a classifier with the cross-entropy loss, and return it.

    `training` and `validation` are images uint8 `(N, C, H, W)` and integer labels `(N,)`. `seed`
    and `name` seed all random generators. Each epoch omits its last, partial batch. `progress`
    receives the losses in nats per image, `validation_accuracy` and `learning_rate`.
    """
    tune_cpu(settings.threads)
    images, labels = training
    channels, height, width = images.shape[1:]
    with seeded_initialisation(seed, f"{name}/initialisation"):
        shape = (channels, height, width)
        network = ConvClassifier(shape, classes, settings.channels, settings.features)
        initialize_kaiming(network)
    order = generator(seed, f"{name}/order")
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizers = settings.optimizer.build(parameters=list(network.parameters()))
    factor = settings.schedule.build()
    steps = steps_per_epoch(len(images), settings.batch_size)
    progress.begin(settings.epochs, steps, 0)
    for epoch in range(settings.epochs):
        started = time.perf_counter()
        total = torch.zeros((), device=device)
        chunks = shuffled_indices(len(images), settings.batch_size, order)
        for index, batch in enumerate(batches(images, chunks, device)):
            rate = set_rates(optimizers, factor(share_done(epoch, index, steps, settings.epochs)))
            targets = labels[chunks[index]].to(device).long()
            loss = F.cross_entropy(network(batch), targets)
            network.zero_grad()
            loss.backward()
            for optimizer in optimizers:
                optimizer.step()
            total += loss.detach()
            progress.step()
        row = {
            "epoch": epoch + 1,
            "train_loss": total.item() / steps,
            "learning_rate": rate,
            **{f"validation_{k}": v for k, v in measure(network, validation, device).items()},
        }
        progress.epoch(row, len(images) / (time.perf_counter() - started))
    return network


@torch.no_grad()
def apply_in_batches(
    function: Callable[[Tensor], Tensor], images: Tensor, device: torch.device
) -> Tensor:
    """Apply `function` to images `(N, C, H, W)` in batches on `device`; return `(N, …)`."""
    at_a_time = images_at_a_time(images.shape[1:], VALIDATION_BATCH)
    chunks = torch.arange(len(images)).split(at_a_time)
    return torch.cat([function(batch).cpu() for batch in batches(images, chunks, device)])


def measure(network: ConvClassifier, split: Split, device: torch.device) -> dict[str, float]:
    """Return `loss`, the mean cross-entropy in nats per image, and `accuracy`, in [0, 1]."""
    images, labels = split
    logits = apply_in_batches(network, images, device).double()
    return {
        "loss": F.cross_entropy(logits, labels.long()).item(),
        "accuracy": (logits.argmax(1) == labels).double().mean().item(),
    }
