"""Each dataset's own classifier, whose features and predictions judge generated images."""

import time
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from autoencoders import files, params, randomness
from autoencoders.data.batches import batches, steps_per_epoch
from autoencoders.errors import UserError
from autoencoders.inputs import ImageShape
from autoencoders.models.initialization import kaiming
from autoencoders.training.loop import Progress
from autoencoders.training.optimizers import OPTIMIZERS, SCHEDULES, set_rates

WEIGHTS = "model.safetensors"
PARAMS = "params.yaml"
BATCH = 1000  # images at a time where nothing is learnt

Labelled = tuple[Tensor, Tensor]  # images uint8 (N, C, H, W), labels uint8 (N,)


class ConvClassifier(nn.Module):
    """3×3 convolutions, each followed by a 2×2 max-pool; a layer of features; the classes.

    A pool over an odd size is padded by one, so that a size s becomes ⌈s/2⌉.
    """

    def __init__(
        self, image_shape: ImageShape, classes: int, channels: list[int], features: int
    ) -> None:
        super().__init__()
        widths = [image_shape[0], *channels]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding="same") for a, b in pairwise(widths)
        )
        size = [-(-side // 2 ** len(channels)) for side in image_shape[1:]]
        self.hidden = nn.Linear(channels[-1] * prod(size), features)
        self.classes = nn.Linear(features, classes)

    def maps(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps after each pool, `(N, channels[i], ⌈H/2^(i+1)⌉, …)`.

        `images` are `(N, C, H, W)` float in [0, 1].
        """
        maps = [images]
        for convolution in self.convolutions:
            x = convolution(maps[-1])
            padding = (x.shape[2] % 2, x.shape[3] % 2)
            maps.append(F.relu(F.max_pool2d(x, 2, padding=padding)))
        return maps[1:]

    def features(self, images: Tensor) -> Tensor:
        """Return what the classes are told by, `(N, features)`, of images as in `maps`."""
        return F.relu(self.hidden(self.maps(images)[-1].flatten(1)))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits `(N, classes)` of images as in `maps`."""
        return self.classes(self.features(images))


@dataclass(frozen=True)
class Description:
    """What was trained on what. A dataset of one class has no classifier, only this record."""

    dataset: str
    seed: int
    source: str
    data_sha256: str
    image_shape: ImageShape
    classes: int
    settings: params.Classifier

    @property
    def exists(self) -> bool:
        """Tell whether there are classes to tell apart."""
        return self.classes > 1

    def as_dict(self) -> dict[str, Any]:
        """Return plain content for YAML."""
        return {
            "dataset": self.dataset,
            "seed": self.seed,
            "source": self.source,
            "data_sha256": self.data_sha256,
            "image_shape": list(self.image_shape),
            "classes": self.classes,
            "settings": self.settings.model_dump(mode="json"),
        }


def build(description: Description) -> ConvClassifier:
    """Return the untrained network; its weights depend on the seed and the dataset's name."""
    settings = description.settings
    name = f"{description.dataset}/classifier/initialisation"
    with randomness.seeded_initialisation(description.seed, name):
        network = ConvClassifier(
            description.image_shape, description.classes, settings.channels, settings.features
        )
        kaiming(network)
    return network


def train(
    network: ConvClassifier,
    training: Labelled,
    validation: Labelled,
    settings: params.Classifier,
    *,
    order: torch.Generator,
    device: torch.device,
    progress: Progress,
) -> None:
    """Train `network` in place by cross-entropy.

    `order` decides which images share a batch; the last, partial batch is dropped. `progress`
    hears of each epoch `train_loss`, `validation_loss`, `validation_accuracy`, `learning_rate`.
    """
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizers = settings.optimizer.build(OPTIMIZERS, parameters=list(network.parameters()))
    factor = settings.schedule.build(SCHEDULES)
    images, labels = training
    steps = steps_per_epoch(len(images), settings.batch_size)
    for epoch in range(settings.epochs):
        started = time.perf_counter()
        total = torch.zeros((), device=device)
        shuffled = torch.randperm(len(images), generator=order)
        chunks = shuffled[: steps * settings.batch_size].split(settings.batch_size)
        for index, batch in enumerate(batches(images, chunks, device)):
            rate = set_rates(
                optimizers, factor((epoch * steps + index) / (steps * settings.epochs))
            )
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


@torch.no_grad()
def measure(network: ConvClassifier, split: Labelled, device: torch.device) -> dict[str, float]:
    """Return the mean cross-entropy in nats, `loss`, and `accuracy`, the share told right."""
    images, labels = split
    chunks = torch.arange(len(images)).split(BATCH)
    logits = torch.cat([network(batch).cpu() for batch in batches(images, chunks, device)]).double()
    return {
        "loss": F.cross_entropy(logits, labels.long()).item(),
        "accuracy": (logits.argmax(1) == labels).double().mean().item(),
    }


def save(folder: Path, description: Description, network: ConvClassifier | None) -> None:
    """Write the record, and the weights where there are any, as the whole of `folder`."""
    with files.atomic_directory(folder) as temporary:
        record = yaml.safe_dump(description.as_dict(), sort_keys=False)
        (temporary / PARAMS).write_text(record, encoding="utf-8")
        if network is not None:
            weights = {k: v.cpu().contiguous() for k, v in network.state_dict().items()}
            save_file(weights, temporary / WEIGHTS)


def load(folder: Path) -> ConvClassifier | None:
    """Return a frozen classifier on the CPU, None where the dataset has one class only.

    Raises:
        UserError: a file is missing, or the weights do not fit the network.
    """
    stage = _stage(folder)
    description = load_description(folder)
    if not description.exists:
        return None
    network = build(description)
    weights = files.require(folder / WEIGHTS, stage)
    try:
        network.load_state_dict(load_file(weights))
    except (RuntimeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{weights} does not fit the classifier in {folder / PARAMS} ({reason}): "
            f"train it again with `dvc repro -f -s {stage}`"
        ) from None
    return network.requires_grad_(False)


def weights_sha256(folder: Path) -> str:
    """Return the SHA-256 of a classifier's weights.

    Raises:
        UserError: a file is missing, or the dataset has one class and so no classifier.
    """
    description = load_description(folder)
    if not description.exists:
        raise UserError(
            f"{description.dataset} has one class and so no classifier: choose an objective that "
            "needs none"
        )
    return files.digest(files.require(folder / WEIGHTS, _stage(folder)))


def load_description(folder: Path) -> Description:
    """Return what a folder that `save` wrote says of its classifier."""
    content = yaml.safe_load(files.require(folder / PARAMS, _stage(folder)).read_text("utf-8"))
    channels, height, width = content.pop("image_shape")
    settings = params.Classifier.model_validate(content.pop("settings"))
    return Description(**content, image_shape=(channels, height, width), settings=settings)


def _stage(folder: Path) -> str:
    return f"classify@{folder.parent.name}"
