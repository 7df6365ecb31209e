"""Training a dataset's classifier, whose features and predictions judge generated images."""

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

Split = tuple[Tensor, Tensor]  # images uint8 (N, C, H, W), labels of whole numbers (N,)


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
    """Return a network that has learned by cross-entropy to tell so many classes apart.

    All randomness comes from `seed` and `name`. The last, partial batch of an epoch is dropped.
    `progress` hears `train_loss`, `validation_loss`, `validation_accuracy`, `learning_rate`.
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
            truth = labels[chunks[index]].to(device).long()
            loss = F.cross_entropy(network(batch), truth)
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
    """Return what `function` makes of all images, batch by batch on `device`, `(N, …)`."""
    at_a_time = images_at_a_time(images.shape[1:], VALIDATION_BATCH)
    chunks = torch.arange(len(images)).split(at_a_time)
    return torch.cat([function(batch).cpu() for batch in batches(images, chunks, device)])


def measure(network: ConvClassifier, split: Split, device: torch.device) -> dict[str, float]:
    """Return the mean cross-entropy in nats, `loss`, and `accuracy`, the share told right."""
    images, labels = split
    logits = apply_in_batches(network, images, device).double()
    return {
        "loss": F.cross_entropy(logits, labels.long()).item(),
        "accuracy": (logits.argmax(1) == labels).double().mean().item(),
    }
